//! Today's date as chat templates ask for it, in UTC. Only the directives that such templates use; it is no calendar.

use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
];

/// `format` with its directives filled in; a directive that is not known stays as it is.
pub(super) fn strftime(now: SystemTime, format: &str) -> String {
    let seconds = now
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let month_name = MONTHS[(month - 1) as usize];
    let day_name = DAYS[(days % 7) as usize];
    let mut said = String::new();
    let mut marks = format.chars();
    while let Some(mark) = marks.next() {
        if mark != '%' {
            said.push(mark);
            continue;
        }
        match marks.next() {
            Some('Y') => said.push_str(&year.to_string()),
            Some('y') => said.push_str(&format!("{:02}", year % 100)),
            Some('m') => said.push_str(&format!("{month:02}")),
            Some('d') => said.push_str(&format!("{day:02}")),
            Some('B') => said.push_str(month_name),
            Some('b') => said.push_str(&month_name[..3]),
            Some('A') => said.push_str(day_name),
            Some('a') => said.push_str(&day_name[..3]),
            Some('H') => said.push_str(&format!("{:02}", of_day / 3600)),
            Some('M') => said.push_str(&format!("{:02}", of_day / 60 % 60)),
            Some('S') => said.push_str(&format!("{:02}", of_day % 60)),
            Some('%') => said.push('%'),
            Some(other) => said.extend(['%', other]),
            None => said.push('%'),
        }
    }
    said
}

/// Year, month and day of a count of days since 1970-01-01, by walking years and months.
fn civil(mut days: u64) -> (u64, u64, u64) {
    const CYCLE: u64 = 146_097;
    let mut year = 1970 + 400 * (days / CYCLE);
    days %= CYCLE;
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    loop {
        let length = match month {
            2 => 28 + u64::from(leap(year)),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if days < length {
            return (year, month, days + 1);
        }
        days -= length;
        month += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(strftime(at(0), "%A %d %b %Y"), "Thursday 01 Jan 1970");
        let leap_day = at(951_782_400 + 3661);
        assert_eq!(
            strftime(leap_day, "%a %Y-%m-%d %H:%M:%S"),
            "Tue 2000-02-29 01:01:01"
        );
        assert_eq!(
            strftime(at(4_107_542_400), "%d %B %y%%%q%"),
            "01 March 00%%q%"
        );
    }
}
