//! Codes and names of languages.

/// ISO 639-1, as BCP 47 uses it.
const TWO: &str = "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee \
    el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv \
    ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl \
    nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta \
    te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// The languages of ISO 639-2 without a code of two letters, and some of ISO 639-3 that are written much.
const THREE: &str = "ace ach ada ady afa afh ain akk ale alg alt ang anp apa arc arn arp art arw ast ath aus awa azb bad bai bal ban \
    bar bas bat bej bem ber bho bik bin bla bnt bra btk bua bug byn cad cai car cau ceb cel chb chg chk chm chn cho \
    chp chr chy ckb cmc cnr cop cpe cpf cpp crh crp csb cus dak dar day del den dgr din doi dra dsb dua dum dyu efi \
    egy eka elx enm ewo fan fat fil fiu fon frm fro frr frs fur gaa gay gba gem gez gil gmh goh gon gor got grb grc \
    gsw gwi hai haw hif hil him hit hmn hsb hup iba ijo ilo inc ine inh ira iro jbo jpr jrb kaa kab kac kam kar kaw \
    kbd kha khi kho kmb kok kos kpe krc krl kro kru ksh kum kut lad lah lam lez lij lmo lol loz lua lui lun luo lus \
    lzh mad mag mai mak man map mas mdf mdr men mga mhr mic min mkh mnc mni mno moh mos mun mus mwl mwr myn myv nah \
    nai nap nds new nia nic niu nog non nqo nso nub nwc nym nyn nyo nzi osa ota oto paa pag pal pam pap pau peo pes \
    phi phn pms pnb pon pra pro prs raj rap rar roa rom rup sad sah sai sal sam sas sat scn sco sel sem sga sgn shn \
    sid sio sit sla sma smi smj smn sms snk sog son srn srr ssa suk sus sux swh syc syr szl tai tcy tem ter tet tig \
    tiv tkl tlh tli tmh tog tpi tsi tum tup tut tvl tyv udm uga umb vai vec vot wak wal war was wen xal yao yap ypk \
    zap zbl zen zgh znd zsm zun zza";

/// Other spellings and what they mean: old codes, three-letter codes that have a shorter one, names.
const OTHER: &[(&str, &str)] = &[
    ("iw", "he"),
    ("in", "id"),
    ("ji", "yi"),
    ("jw", "jv"),
    ("mo", "ro"),
    ("jp", "ja"),
    ("cn", "zh"),
    ("gr", "el"),
    ("cz", "cs"),
    ("dk", "da"),
    ("ua", "uk"),
    ("eng", "en"),
    ("deu", "de"),
    ("ger", "de"),
    ("fra", "fr"),
    ("fre", "fr"),
    ("spa", "es"),
    ("ita", "it"),
    ("por", "pt"),
    ("nld", "nl"),
    ("dut", "nl"),
    ("rus", "ru"),
    ("pol", "pl"),
    ("ces", "cs"),
    ("cze", "cs"),
    ("tur", "tr"),
    ("ell", "el"),
    ("gre", "el"),
    ("hun", "hu"),
    ("jpn", "ja"),
    ("kor", "ko"),
    ("zho", "zh"),
    ("chi", "zh"),
    ("ara", "ar"),
    ("heb", "he"),
    ("hin", "hi"),
    ("swe", "sv"),
    ("dan", "da"),
    ("nor", "no"),
    ("fin", "fi"),
    ("ron", "ro"),
    ("rum", "ro"),
    ("ukr", "uk"),
    ("bul", "bg"),
    ("srp", "sr"),
    ("hrv", "hr"),
    ("slk", "sk"),
    ("slv", "sl"),
    ("vie", "vi"),
    ("tha", "th"),
    ("ind", "id"),
    ("fas", "fa"),
    ("per", "fa"),
    ("cat", "ca"),
    ("epo", "eo"),
    // As the languages of a macrolanguage that they are ("extlang form", RFC 5646 4.5): who asks for `zh` finds them, and
    // readers that know only ISO 639-2 know what to do.
    ("cmn", "zh-cmn"),
    ("yue", "zh-yue"),
    ("nan", "zh-nan"),
    ("wuu", "zh-wuu"),
    ("hak", "zh-hak"),
    ("gan", "zh-gan"),
    ("arb", "ar-arb"),
    ("arz", "ar-arz"),
    ("ary", "ar-ary"),
    ("apc", "ar-apc"),
    ("english", "en"),
    ("german", "de"),
    ("deutsch", "de"),
    ("french", "fr"),
    ("français", "fr"),
    ("francais", "fr"),
    ("spanish", "es"),
    ("español", "es"),
    ("espanol", "es"),
    ("castellano", "es"),
    ("italian", "it"),
    ("italiano", "it"),
    ("portuguese", "pt"),
    ("português", "pt"),
    ("portugues", "pt"),
    ("dutch", "nl"),
    ("nederlands", "nl"),
    ("russian", "ru"),
    ("русский", "ru"),
    ("polish", "pl"),
    ("polski", "pl"),
    ("czech", "cs"),
    ("čeština", "cs"),
    ("turkish", "tr"),
    ("türkçe", "tr"),
    ("greek", "el"),
    ("ελληνικά", "el"),
    ("hungarian", "hu"),
    ("magyar", "hu"),
    ("japanese", "ja"),
    ("日本語", "ja"),
    ("korean", "ko"),
    ("한국어", "ko"),
    ("chinese", "zh"),
    ("中文", "zh"),
    ("arabic", "ar"),
    ("العربية", "ar"),
    ("hebrew", "he"),
    ("עברית", "he"),
    ("hindi", "hi"),
    ("swedish", "sv"),
    ("svenska", "sv"),
    ("danish", "da"),
    ("dansk", "da"),
    ("norwegian", "no"),
    ("norsk", "no"),
    ("finnish", "fi"),
    ("suomi", "fi"),
    ("ukrainian", "uk"),
    ("українська", "uk"),
    ("bulgarian", "bg"),
    ("български", "bg"),
    ("romanian", "ro"),
    ("română", "ro"),
    ("vietnamese", "vi"),
    ("indonesian", "id"),
    ("persian", "fa"),
    ("catalan", "ca"),
    ("català", "ca"),
];

/// Three letters that programs write where a language should stand, or that mean none.
const NONE: &[&str] = &[
    "und", "mul", "mis", "zxx", "nul", "nil", "non", "not", "any", "all", "rss", "xml", "web", "www", "utf",
    "tbd", "foo", "iso",
];

/// True for a first subtag in [`TWO`] or [`THREE`]. Of the others some are languages, too, but most are slips.
pub(super) fn is_common(code: &str) -> bool {
    TWO.split_whitespace().chain(THREE.split_whitespace()).any(|known| known == code)
}

/// The codes of two letters.
pub(super) fn short() -> impl Iterator<Item = &'static str> {
    TWO.split_whitespace()
}

/// The code for a first subtag or a name, both in lower case.
pub(super) fn primary(word: &str) -> Option<&str> {
    if let Some((_, code)) = OTHER.iter().find(|(other, _)| *other == word) {
        return Some(code);
    }
    let letters = word.bytes().all(|b| b.is_ascii_lowercase());
    match word.len() {
        2 => TWO.split_whitespace().find(|code| *code == word),
        // There are eight thousand of them.
        3 => (letters && !NONE.contains(&word)).then_some(word),
        _ => None,
    }
}
