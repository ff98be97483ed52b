//! The small words of languages: data, no code.

/// Small words of languages in Latin letters. Those the detector does not know are here so that they are
/// noticed. Headlines leave articles out, so their common verbs stand here too.
pub(super) const SMALL: &[(&str, &str)] = &[
    (
        "en",
        "the of and to in for is on with that as by from at an are was be this has have will not it its his her their your you we \
        after over about into new how why what when who which could would can says said more than up out all or but our my us no do does \
        against amid between before during first now may should just where been were had they he she these those there only off \
        get make using here two three year years world best top week day back 's 't 're 've 'll 'm through while under set still",
    ),
    (
        "fr",
        "le la les de des du un une et est en pour dans sur au aux avec par que qui ne pas plus ce cette ces son sa ses se leur leurs \
        sont a ont été être fait comment pourquoi après avant entre contre sans sous chez vers depuis lors mais ou où nous vous il \
        elle ils on y l' d' qu' n' s' c' j' m' jusqu' nouveau nouvelle nouveaux nouvelles ans tout tous toute deux selon face",
    ),
    (
        "de",
        "der die das den dem des ein eine einer eines einem einen und ist im in zu zum zur mit von vom für auf an am als auch nach bei \
        beim aus über unter gegen ohne um nicht sich wird werden wurde wurden hat haben sind war sein seine wie was wer warum so \
        noch mehr neue neuer neues neuen es sie er wir ihr ich du kein keine vor bis durch zwischen jetzt nur aber oder dass \
        kann können soll will sagt macht geht gibt deutschland jahr jahre uhr",
    ),
    (
        "es",
        "el la los las de del un una unos unas y en es por para con que se su sus al lo como más pero sin sobre entre contra desde \
        hasta tras ante este esta estos ha han ser son fue no ya cómo qué quién cuándo dónde muy hay nuevo nueva nuevos \
        años año según también o e donde le les",
    ),
    (
        "it",
        "il lo la i gli le di del dello della dei degli delle da dal dalla in nel nella nelle e è per con su sul sulla che un una uno \
        si non al alla ai agli alle come più ma anche sono ha hanno dopo contro tra fra nuovo nuova nuovi anni anno l' d' c' un' dell' all' \
        nell' sull' dall' cosa chi perché ecco ed",
    ),
    (
        "pt",
        "o a os as de do da dos das em no na nos nas um uma e é para por com que se ao aos à às mais não como mas sobre entre contra \
        até após pelo pela pelos pelas foi são ser tem seu sua seus suas quem qual já ou sem há novo nova novos anos ano \
        diz isso este esta também",
    ),
    (
        "nl",
        "de het een en van in is op te voor met dat die niet aan er om ook als bij door over naar uit zijn wordt worden werd maar nog wel \
        hoe wat wie waarom meer na tegen onder tot heeft hebben kan moet jaar nieuwe nieuw tussen deze dit je ik we ze hij geen \
        dan of zo al",
    ),
    (
        "sv",
        "och att det i en ett är på som för av med till den de har inte om från vid efter kan ska vi du jag han hon men så var \
        under mot utan nya ny nytt blir hur vad varför när mer år eller sig sin sitt även här över genom får",
    ),
    (
        "tr",
        "ve bir bu da de için ile olarak daha çok en ne var yok olan sonra gibi kadar mi mı mu mü yeni göre karşı nasıl neden \
        değil oldu olacak etti dedi ilk son büyük türkiye iki her o ama ya den dan nin nın",
    ),
    (
        "vi",
        "và của là có được cho trong với không các những một người này đã khi ở từ về đến tại ra vào sẽ nhiều bị năm phải như \
        trên sau mới để lại còn việt nam vì theo hơn đang",
    ),
    // Not in the detector's set.
    (
        "da",
        "og at det i en et er på som for af med til den de har ikke om fra ved efter kan skal vi du jeg han hun men så var under mod \
        uden nye ny nyt bliver hvordan hvad hvorfor når mere år eller sig sin også her over gennem får",
    ),
    (
        "nb",
        "og å det i en et er på som for av med til den de har ikke om fra ved etter kan skal vi du jeg han hun men så var under mot \
        uten nye ny nytt blir hvordan hva hvorfor når mer år eller seg sin også her over gjennom får",
    ),
    (
        "fi",
        "ja on ei se että oli ovat hän ole mutta kun niin myös voi jo nyt kuin mitä miten miksi uusi uuden uudet jälkeen kanssa sekä \
        tai suomen suomi vuoden vuotta ennen yli eivät joka jotka mukaan kaikki",
    ),
    (
        "pl",
        "i w z na do się nie jest że o to po za od jak dla przez przy oraz ale czy co są był była będzie już tylko może który która \
        które jego tego ma przed pod nad bez nowy nowa nowe po ze we lat roku polska polsce",
    ),
    (
        "cs",
        "a v z na do se je že o to po za od jak pro při nebo ale co jsou byl byla bude už jen může který která které jeho má před pod \
        nad bez nový nová nové s k u ve ze si kde podle roku let proč",
    ),
    (
        "sk",
        "a v z na do sa je že o to po za od ako pre pri alebo ale čo sú bol bola bude už len môže ktorý ktorá ktoré jeho má pred pod \
        nad bez nový nová nové s k vo zo si kde podľa roku rokov prečo",
    ),
    (
        "hu",
        "a az és hogy nem is egy van volt meg de ez már csak mint ki el fel le be után még lesz lehet miért hogyan új magyar szerint \
        között ellen miatt alatt ha vagy több kell akár",
    ),
    (
        "ro",
        "și de la în a cu pe nu că din pentru este sunt care un o cel mai după dar prin fost fi are au al ale lui se sau ce cum între \
        fără despre noul noua anul ani si in ca sa va",
    ),
    (
        "ca",
        "el la els les de del dels un una i en és per amb que se al als més però sense sobre entre contra des fins després aquest aquesta \
        ha han ser són no ja com què qui nou nova anys any segons també o l' d' s' n' amb pel pels",
    ),
    (
        "gl",
        "o a os as de do da dos das en no na nos nas un unha e é para por con que se ao aos máis non como pero sobre entre contra ata \
        tras foi son ser ten seu súa novo nova anos ano galicia",
    ),
    (
        "hr",
        "i u na je za se da od su s o kako što koji koja koje nije bio bila će sa po ali ili iz do pri kod protiv nakon zbog još samo novi \
        nova novo godine godina nema sve već",
    ),
    (
        "id",
        "yang di dan ke dari untuk dengan ini itu pada tidak akan dalam oleh adalah sebagai ada bisa lebih juga telah saat atau karena \
        baru tahun para kata agar jadi apa bagi bagaimana",
    ),
    ("et", "ja on ei see et oli ka kui oma mis kes aga ning või pärast kuid uus eesti aasta saab välja üle"),
    (
        "lt",
        "ir yra ne kad į su iš apie po už bet kaip kas tai buvo dėl prie per naujas lietuvos metų bus savo tik",
    ),
    ("lv", "un ir ar no uz par kas lai pēc bet kā tas bija vai pie jauns latvijas gada gadu arī ka tiek"),
    ("eu", "eta da du dira ez bat egin dute ere izan behar baina dela euskal berri zen"),
    (
        "af",
        "die van en het in is nie om vir met dat op aan te hy sy ek ons jy hulle maar ook na deur oor wat hoe kan sal nuwe",
    ),
    ("tl", "ang ng sa mga na ay at si ni para hindi ito kung may mula bagong"),
    ("sw", "ya wa na kwa ni katika la za cha kuwa hii hiyo baada mpya watu"),
    ("eo", "la de kaj en estas al por ne kun oni ke el pri ĉu sed novaj nova"),
    ("is", "og að er í á sem til um ekki við en með var fyrir af það hann hún frá eftir"),
    ("sq", "dhe të në e i një me për nga që është si nuk do pas"),
    ("az", "və bir bu üçün ilə olan də da ki azərbaycan yeni etdi edib"),
    ("la", "et in est non ad cum ut sed qui quod ex per ab sunt"),
];
