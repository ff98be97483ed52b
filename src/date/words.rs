//! The words of dates in the languages that feeds use. Nothing here knows where they may stand.

use std::sync::LazyLock;

use chrono::Weekday;
use rustc_hash::{FxHashMap, FxHashSet};
use unicode_normalization::UnicodeNormalization;

/// What a word may mean. One word can be two things ("mar" is March and, in French, Tuesday).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Meaning {
    /// 1 to 12.
    pub(super) month: Option<u32>,
    pub(super) weekday: Option<Weekday>,
    pub(super) half: Option<Half>,
    pub(super) role: Option<Role>,
}

/// The half of the day of a 12-hour clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Am,
    Pm,
}

/// Small words around dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// Follows a day: `16th`, `1er`.
    Ordinal,
    /// Stands between the parts of a date: `12 de marzo de 2024`.
    Of,
    /// Stands between date and clock: `at`, `um`, `à`.
    At,
    /// Stands before a date: `Published on`.
    Lead,
    /// Follows a clock: `Uhr`.
    Clock,
}

/// Forms are parted by blanks, months by `|`, January first. Written folded (see [`fold`]): lower case, no accents.
const MONTHS: &[&str] = &[
    // en
    "january jan|february feb febr|march mar|april apr|may|june jun|july jul|august aug|\
     september sep sept|october oct|november nov|december dec",
    // fr
    "janvier janv|fevrier fevr fev|mars|avril avr|mai|juin|juillet juil|aout aou|septembre|octobre|novembre|decembre",
    // de, with the Austrian forms
    "januar janner jan jaen janer|februar feber|marz mrz maerz maer|april|mai|juni|juli|august|september|oktober okt|\
     november|dezember dez",
    // es
    "enero ene|febrero|marzo|abril abr|mayo|junio|julio|agosto ago|septiembre setiembre set|octubre|noviembre|\
     diciembre dic",
    // it
    "gennaio gen genn|febbraio febb|marzo|aprile|maggio mag magg|giugno giu|luglio lug|agosto|settembre sett|\
     ottobre ott|novembre|dicembre",
    // pt
    "janeiro|fevereiro|marco|abril|maio|junho|julho|agosto|setembro|outubro out|novembro|dezembro",
    // nl
    "januari|februari|maart mrt|april|mei|juni|juli|augustus|september|oktober|november|december",
    // ru, genitive first
    "января январь янв|февраля февраль фев февр|марта март мар|апреля апрель апр|мая май|июня июнь июн|\
     июля июль июл|августа август авг|сентября сентябрь сен сент|октября октябрь окт|ноября ноябрь ноя нояб|\
     декабря декабрь дек",
    // uk
    "січня січень січ|лютого лютии лют|березня березень берез бер|квітня квітень квіт кві|травня травень трав тра|\
     червня червень черв чер|липня липень лип|серпня серпень серп сер|вересня вересень вер|\
     жовтня жовтень жовт жов|листопада листопад лист лис|грудня грудень груд гру",
    // bg
    "януари|февруари|март|април|маи|юни|юли|август|септември септ|октомври|ноември ноем|декември",
    // sr, mk
    "јануар јануари јан|фебруар фебруари феб|март|април|мај|јун јуни|јул јули|август|септембар септембри|\
     октобар октомври|новембар ноември нов|децембар декември дец",
    // pl, genitive first
    "stycznia styczen sty stycz|lutego luty lut|marca marzec|kwietnia kwiecien kwi kwiec|maja maj|\
     czerwca czerwiec cze czerw|lipca lipiec lip|sierpnia sierpien sie sierp|wrzesnia wrzesien wrz|\
     pazdziernika pazdziernik paz pazdz|listopada listopad lis|grudnia grudzien gru grudz",
    // cs
    "ledna leden led|unora unor uno|brezna brezen bre|dubna duben dub|kvetna kveten kve|cervna cerven cvn|\
     cervence cervenec cvc|srpna srpen srp|zari zar|rijna rijen rij|listopadu|prosince prosinec pro",
    // sk
    "januara|februara|marec|aprila|maja|juna jun|jula jul|augusta|septembra|oktobra|novembra|decembra",
    // tr
    "ocak oca|subat sub|mart|nisan nis|mayis|haziran haz|temmuz tem|agustos|eylul eyl|ekim eki|kasim kas|aralik ara",
    // el, genitive and the short forms that servers write
    "ιανουαριου ιανουαριοσ ιαν|φεβρουαριου φεβρουαριοσ φεβ|μαρτιου μαρτιοσ μαρ|απριλιου απριλιοσ απρ|\
     μαιου μαιοσ μαι μαω|ιουνιου ιουνιοσ ιουν ιον|ιουλιου ιουλιοσ ιουλ ιολ|αυγουστου αυγουστοσ αυγ|\
     σεπτεμβριου σεπτεμβριοσ σεπ σεπτ|οκτωβριου οκτωβριοσ οκτ|νοεμβριου νοεμβριοσ νοε|δεκεμβριου δεκεμβριοσ δεκ",
    // hu
    "januar|februar|marcius marc|aprilis|majus maj|junius|julius|augusztus|szeptember szept|oktober|november|december",
    // sv, da, nb
    "januari januar|februari februar|mars marts|april|maj mai|juni|juli|augusti august|september|oktober|november|\
     december desember des",
    // fi
    "tammikuuta tammikuu tammi|helmikuuta helmikuu helmi|maaliskuuta maaliskuu maalis|huhtikuuta huhtikuu huhti|\
     toukokuuta toukokuu touko|kesakuuta kesakuu kesa|heinakuuta heinakuu heina|elokuuta elokuu elo|\
     syyskuuta syyskuu syys|lokakuuta lokakuu loka|marraskuuta marraskuu marras|joulukuuta joulukuu joulu",
    // ro
    "ianuarie ian|februarie|martie|aprilie|mai|iunie iun|iulie iul|august|septembrie|octombrie|noiembrie noi|decembrie",
    // ca
    "gener|febrer|marc|abril|maig|juny|juliol|agost|setembre|octubre|novembre|desembre",
    // et, lv, lt: their genitives
    "jaanuar jaan|veebruar veebr|marts|aprill|mai|juuni|juuli|august|september|oktoober|november|detsember dets",
    "janvaris|februaris|marts|aprilis|maijs|junijs|julijs|augusts|septembris|oktobris|novembris|decembris",
    "sausio|vasario|kovo|balandzio|geguzes|birzelio|liepos|rugpjucio|rugsejo|spalio|lapkricio|gruodzio",
    // id, ms
    "januari|februari|maret mac|april|mei|juni|juli julai|agustus ogos agu|september|oktober|november|desember disember",
    // ar: Egypt and the Gulf, then the Levant
    "يناير|فبراير|مارس|ابريل أبريل|مايو|يونيو|يوليو|اغسطس أغسطس|سبتمبر|اكتوبر أكتوبر|نوفمبر|ديسمبر",
    // (the four of two words are in [`month_of_two`])
    "|شباط|اذار آذار|نيسان|ايار أيار|حزيران|تموز|اب آب|ايلول أيلول|||",
    // he, also with the prefix "in"
    "ינואר בינואר|פברואר בפברואר|מרץ במרץ מרס|אפריל באפריל|מאי במאי|יוני ביוני|יולי ביולי|אוגוסט באוגוסט|\
     ספטמבר בספטמבר|אוקטובר באוקטובר|נובמבר בנובמבר|דצמבר בדצמבר",
    // hr, genitive; its October is Poland's November, and is left out
    "sijecnja|veljace|ozujka|travnja|svibnja|lipnja|srpnja|kolovoza|rujna||studenoga studenog|prosinca",
    // hi
    "जनवरी|फरवरी फ़रवरी|मार्च|अप्रैल|मई|जून|जुलाई|अगस्त|सितंबर सितम्बर|अक्टूबर|नवंबर नवम्बर|दिसंबर दिसम्बर",
    // th, whole and short
    "มกราคม ม.ค|กุมภาพันธ์ ก.พ|มีนาคม มี.ค|เมษายน เม.ย|พฤษภาคม พ.ค|มิถุนายน มิ.ย|กรกฎาคม ก.ค|สิงหาคม ส.ค|กันยายน ก.ย|\
     ตุลาคม ต.ค|พฤศจิกายน พ.ย|ธันวาคม ธ.ค",
    // zh in numerals
    "一月|二月|三月|四月|五月|六月|七月|八月|九月|十月|十一月|十二月",
];

/// Monday first.
const WEEKDAYS: &[&str] = &[
    "monday mon|tuesday tue tues|wednesday wed weds wednes|thursday thu thur thurs|friday fri|saturday sat|sunday sun",
    "lundi lun|mardi mar|mercredi mer|jeudi jeu|vendredi ven|samedi sam|dimanche dim",
    "montag mo|dienstag di|mittwoch mi|donnerstag do|freitag fr|samstag sa sonnabend|sonntag so",
    "lunes lun|martes mar|miercoles mie mier|jueves jue|viernes vie|sabado sab|domingo dom",
    "lunedi lun|martedi mar|mercoledi mer|giovedi gio|venerdi ven|sabato sab|domenica dom",
    "segunda seg|terca ter|quarta qua|quinta qui|sexta sex|sabado sab|domingo dom",
    "maandag ma|dinsdag di|woensdag wo|donderdag do|vrijdag vr vrij|zaterdag za zat|zondag zo",
    "понедельник пн пон|вторник вт втр|среда ср среду|четверг чт чет|пятница пт пятницу птн|суббота сб субботу суб|\
     воскресенье вс вск",
    "понеділок пн|вівторок вт|середа ср|четвер чт|пятниця пт|субота сб|неділя нд",
    "понеделник пон|вторник вт|сряда ср|четвъртък чт|петък пт|събота сб|неделя нд нед",
    "poniedzialek pon pn|wtorek wt wto|sroda sr sro|czwartek czw cz|piatek pt pia|sobota sob sb|niedziela nd nie niedz",
    "pondeli po|utery ut|streda st|ctvrtek ct|patek pa|sobota so|nedele ne",
    "pondelok|utorok|streda|stvrtok|piatok|sobota|nedela",
    "ponedeljak ponedjeljak|utorak|sreda srijeda|cetvrtak|petak|subota|nedelja nedjelja",
    "pazartesi pzt pts|sali sal|carsamba car|persembe per|cuma cum|cumartesi cmt cts|pazar paz",
    "δευτερα δευ δε|τριτη τρι τρ|τεταρτη τετ τε|πεμπτη πεμ πε|παρασκευη παρ πα|σαββατο σαβ σα|κυριακη κυρ κυ",
    "hetfo het|kedd|szerda sze|csutortok csu|pentek pen|szombat szo|vasarnap vas",
    "mandag man mandagen mandags|tirsdag tirs tir tisdag tis|onsdag ons|torsdag tors tor|fredag fre|lordag lor lordag|\
     sondag son",
    "maanantai maanantaina|tiistai tiistaina ti|keskiviikko keskiviikkona ke|torstai torstaina to|perjantai perjantaina pe|\
     lauantai lauantaina la|sunnuntai sunnuntaina su",
    "luni|marti|miercuri mie|joi|vineri|sambata|duminica",
    "senin|selasa|rabu|kamis|jumat|sabtu|minggu",
    "שני|שלישי|רביעי|חמישי|שישי|שבת|ראשון",
    "الاثنين الإثنين|الثلاثاء|الاربعاء الأربعاء|الخميس|الجمعة|السبت|الاحد الأحد",
    "星期一 周一 週一 月曜日 월요일|星期二 周二 週二 火曜日 화요일|星期三 周三 週三 水曜日 수요일|星期四 周四 週四 木曜日 목요일|\
     星期五 周五 週五 金曜日 금요일|星期六 周六 週六 土曜日 토요일|星期日 星期天 周日 週日 日曜日 일요일",
];

const HALVES: [(&str, Half); 2] = [
    ("am 上午 午前 오전 凌晨 早上 πμ de ص صباحا صباحًا صباحاً", Half::Am),
    ("pm 下午 午後 오후 晚上 μμ du م مساء مساءً", Half::Pm),
];

const ROLES: [(&str, Role); 5] = [
    ("º ª ᵉʳ ᵉ st nd rd th er ere eme re ro do to a o te ten de ste ta го", Role::Ordinal),
    ("de of del d den da do of the di le el nam", Role::Of),
    (
        "at um a as alle le les las la kl klo ore ora orele om o в о об u v ve y og och saat στις ob in von vers godz godzina",
        Role::At,
    ),
    (
        "published updated posted created modified last on date le am den the il el publie publiee paru vom veroffentlicht \
         stand publicado publicada actualizado pubblicato gepubliceerd op опубликовано дата by mis a jour datum data fecha \
         dnia opublikowano publikacji publication publicacion pubblicazione publicerad julkaistu zverejneno yayinlanma tarihi \
         tarih kozzeteve ngay יום",
        Role::Lead,
    ),
    ("uhr h hrs hours uur ч час г года год urs hod hodin hod", Role::Clock),
];

static WORDS: LazyLock<FxHashMap<&'static str, Meaning>> = LazyLock::new(|| {
    let mut words: FxHashMap<&'static str, Meaning> = FxHashMap::default();
    for row in MONTHS {
        for (month, forms) in (1..).zip(row.split('|')) {
            for form in forms.split_whitespace() {
                words.entry(form).or_default().month.get_or_insert(month);
            }
        }
    }
    let week =
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
    for row in WEEKDAYS {
        for (day, forms) in week.into_iter().zip(row.split('|')) {
            for form in forms.split_whitespace() {
                words.entry(form).or_default().weekday.get_or_insert(day);
            }
        }
    }
    for (forms, half) in HALVES {
        for form in forms.split_whitespace() {
            words.entry(form).or_default().half = Some(half);
        }
    }
    words
});

static PARTS: LazyLock<FxHashSet<(Role, &'static str)>> = LazyLock::new(|| {
    ROLES.iter().flat_map(|(forms, role)| forms.split_whitespace().map(|form| (*role, form))).collect()
});

/// Levantine months of two words: the second makes the one of the year's end or of the next one's begin.
pub(super) fn month_of_two(first: &str, second: &str) -> Option<u32> {
    let late = matches!(second, "الثاني" | "الثانى");
    let early = matches!(second, "الأول" | "الاول");
    match first {
        "تشرين" if early => Some(10),
        "تشرين" if late => Some(11),
        "كانون" if early => Some(12),
        "كانون" if late => Some(1),
        _ => None,
    }
}

/// Weekdays of two words, in Vietnamese.
pub(super) fn weekday_of_two(first: &str, second: &str) -> Option<Weekday> {
    if first.is_ascii() {
        return None;
    }
    let (first, second) = (first.to_lowercase(), second.to_lowercase());
    Some(match (first.as_str(), second.as_str()) {
        ("thứ", "hai") => Weekday::Mon,
        ("thứ", "ba") => Weekday::Tue,
        ("thứ", "tư") => Weekday::Wed,
        ("thứ", "năm") => Weekday::Thu,
        ("thứ", "sáu") => Weekday::Fri,
        ("thứ", "bảy") => Weekday::Sat,
        ("chủ", "nhật") => Weekday::Sun,
        _ => return None,
    })
}

/// What `word` may mean in any of the languages.
pub(super) fn meaning(word: &str) -> Meaning {
    with_folded(word, |folded| WORDS.get(folded).copied()).unwrap_or_default()
}

/// Whether `word` plays this small part. A word can play several.
pub(super) fn plays(word: &str, role: Role) -> bool {
    with_folded(word, |folded| PARTS.get(&(role, folded)).map(|_| ())).is_some()
}

fn with_folded<T>(word: &str, look: impl Fn(&str) -> Option<T>) -> Option<T> {
    // The longest word of the tables has 14 letters, at most 3 bytes each.
    if word.len() > 48 {
        return None;
    }
    if word.is_ascii() {
        let mut small = [0u8; 48];
        let small = small.get_mut(..word.len())?;
        small.copy_from_slice(word.as_bytes());
        small.make_ascii_lowercase();
        return look(std::str::from_utf8(small).ok()?);
    }
    look(word).or_else(|| look(&fold(word)))
}

/// Lower case without accents; letters that carry their stroke inside are spelled plainly.
pub(super) fn fold(word: &str) -> String {
    word.nfd()
        .filter(|c| !matches!(c, '\u{300}'..='\u{36F}'))
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'ı' => 'i',
            'ł' => 'l',
            'ø' => 'o',
            'đ' => 'd',
            'ς' => 'σ',
            other => other,
        })
        .filter(|c| !matches!(c, '\u{300}'..='\u{36F}'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_written_folded_and_whole() {
        for row in MONTHS {
            assert_eq!(row.split('|').count(), 12, "{row}");
        }
        for row in WEEKDAYS {
            assert_eq!(row.split('|').count(), 7, "{row}");
        }
        for word in WORDS.keys() {
            // Hangul and Arabic with hamza fall apart when folded; they are met as they stand.
            let met = meaning(word);
            assert_ne!(met, Meaning::default(), "{word}");
            let upper = word.to_uppercase();
            assert_eq!(meaning(&upper).month, met.month, "{upper}");
        }
    }
}
