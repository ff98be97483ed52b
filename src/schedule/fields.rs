//! Reads the five fields of a Unix crontab line. Says which field is wrong, and what would be right.
//! Never asks when they fire (firing.rs).

/// The five fields as lists of numbers, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    /// 0 to 59.
    pub(super) minutes: Vec<u8>,
    /// 0 to 23.
    pub(super) hours: Vec<u8>,
    /// 1 to 31.
    pub(super) days: Vec<u8>,
    /// 1 to 12.
    pub(super) months: Vec<u8>,
    /// 0 to 6, 0 is Sunday.
    pub(super) weekdays: Vec<u8>,
    /// Neither day field begins with `*`: one of the two is enough.
    pub(super) either_day: bool,
}

struct Rule {
    name: &'static str,
    low: u8,
    high: u8,
    names: &'static [&'static str],
    /// Value of the first name.
    first: u8,
    example: &'static str,
}

const MINUTE: Rule = Rule { name: "minute", low: 0, high: 59, names: &[], first: 0, example: "0,30 or */15" };
const HOUR: Rule = Rule { name: "hour", low: 0, high: 23, names: &[], first: 0, example: "7-19 or */2" };
const DAY: Rule = Rule { name: "day of month", low: 1, high: 31, names: &[], first: 1, example: "1,15" };
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH: Rule =
    Rule { name: "month", low: 1, high: 12, names: &MONTHS, first: 1, example: "1-6 or jan,jul" };
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
// 7 is Sunday too; read() folds it to 0.
const WEEKDAY: Rule = Rule {
    name: "weekday",
    low: 0,
    high: 7,
    names: &WEEKDAYS,
    first: 0,
    example: "mon-fri or 1-5 (0 and 7 are Sunday)",
};

/// The nicknames crontab(5) knows, less `@reboot`.
const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// Reads a crontab expression or a nickname.
pub(super) fn read(text: &str) -> Result<Fields, String> {
    let text = text.trim();
    if text.starts_with('@') {
        let lower = text.to_ascii_lowercase();
        let Some((_, fields)) = NICKNAMES.iter().find(|(name, _)| *name == lower) else {
            let known = NICKNAMES.map(|(name, _)| name).join(", ");
            return Err(format!("{text:?} is no schedule; known are {known}"));
        };
        return read(fields);
    }
    let parts: Vec<&str> = text.split_ascii_whitespace().collect();
    let &[minute, hour, day, month, weekday] = parts.as_slice() else {
        return Err(wrong_count(text, &parts));
    };
    let mut weekdays: Vec<u8> = set(weekday, &WEEKDAY)?.into_iter().map(|n| n % 7).collect();
    weekdays.sort_unstable();
    weekdays.dedup();
    let fields = Fields {
        minutes: set(minute, &MINUTE)?,
        hours: set(hour, &HOUR)?,
        days: set(day, &DAY)?,
        months: set(month, &MONTH)?,
        weekdays,
        // crontab(5): "restricted" is a field that does not start with a star, so `*/2` is none.
        either_day: !day.starts_with('*') && !weekday.starts_with('*'),
    };
    fires_some_day(&fields, text)?;
    Ok(fields)
}

fn wrong_count(text: &str, parts: &[&str]) -> String {
    let fields = "minute hour day-of-month month weekday";
    match parts.len() {
        6 | 7 => format!(
            "{text:?} has {} fields; cron has five ({fields}), without seconds or years: perhaps {:?}",
            parts.len(),
            parts.iter().skip(1).take(5).copied().collect::<Vec<_>>().join(" "),
        ),
        count => {
            let s = if count == 1 { "" } else { "s" };
            format!(
                "{text:?} has {count} field{s}; cron has five ({fields}), as in \"0 7-19 * * mon-fri\"; \
                 or write \"every 30m\", \"@hourly\" or \"adaptive\""
            )
        }
    }
}

/// All numbers a field stands for, ascending.
fn set(field: &str, rule: &Rule) -> Result<Vec<u8>, String> {
    let mut chosen = Vec::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        let (from, to) = bounds(range, rule, field)?;
        let step = match step {
            None => 1,
            Some(step) if from == to && !range.contains('-') && range != "*" => {
                return Err(
                    rule.wrong(field, &format!("a step needs a range: write {from}-{}/{step}", rule.top()))
                );
            }
            Some(step) => match step.parse::<u8>() {
                Ok(0) => return Err(rule.wrong(field, "a step of 0 never moves on")),
                Ok(step) => step,
                Err(_) => return Err(rule.wrong(field, &format!("{step:?} is no step; steps are numbers"))),
            },
        };
        chosen.extend((from..=to).step_by(usize::from(step)));
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

fn bounds(range: &str, rule: &Rule, field: &str) -> Result<(u8, u8), String> {
    if range == "*" {
        return Ok((rule.low, rule.top()));
    }
    let Some((from, to)) = range.split_once('-') else {
        let one = value(range, rule, field)?;
        return Ok((one, one));
    };
    let (from, mut to) = (value(from, rule, field)?, value(to, rule, field)?);
    if rule.high == 7 && to == 0 && from > 0 {
        // fri-sun: a Sunday that ends a range is the seventh day.
        to = 7;
    }
    if from > to {
        let (top, low) = (rule.top(), rule.low);
        return Err(rule.wrong(field, &format!("a range goes upwards: write {from}-{top},{low}-{to}")));
    }
    Ok((from, to))
}

fn value(text: &str, rule: &Rule, field: &str) -> Result<u8, String> {
    let (low, top) = (rule.low, rule.high);
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return match text.parse::<u8>() {
            Ok(number) if (low..=top).contains(&number) => Ok(number),
            _ => Err(rule.wrong(field, &format!("{text} is outside {low}-{top}"))),
        };
    }
    let lower = text.to_ascii_lowercase();
    if let Some(name) = (rule.first..).zip(rule.names).find(|(_, name)| **name == lower) {
        return Ok(name.0);
    }
    Err(rule.wrong(field, &rule.hint(text, &lower)))
}

impl Rule {
    /// The highest value once; a weekday's `*` does not count Sunday twice.
    fn top(&self) -> u8 {
        if self.high == 7 { 6 } else { self.high }
    }

    fn wrong(&self, field: &str, why: &str) -> String {
        format!("{} field {field:?}: {why}", self.name)
    }

    fn hint(&self, text: &str, lower: &str) -> String {
        let known = |names: &[&'static str]| names.iter().copied().find(|name| lower.starts_with(name));
        if let Some(name) = known(self.names) {
            return format!("names have three letters: write {name}");
        }
        if known(&WEEKDAYS).is_some() {
            return format!("{text:?} is a weekday, and weekdays are the fifth field");
        }
        if known(&MONTHS).is_some() {
            return format!("{text:?} is a month, and months are the fourth field");
        }
        if text.is_empty() {
            return format!("a value is missing; write it like {}", self.example);
        }
        if text.contains(['?', 'L', 'W', '#', 'l', 'w']) {
            return format!("{text:?}: ?, L, W and # are not Unix cron; write it like {}", self.example);
        }
        format!("{text:?} is no value; write it like {}", self.example)
    }
}

/// Refuses days that no year has, such as 31 February.
fn fires_some_day(fields: &Fields, text: &str) -> Result<(), String> {
    if fields.either_day {
        return Ok(());
    }
    let longest = |month: u8| match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let earliest = fields.days.first().copied().unwrap_or(1);
    if fields.months.iter().any(|month| earliest <= longest(*month)) {
        return Ok(());
    }
    Err(format!("{text:?} never fires: none of its months has a day {earliest}"))
}
