//! `Retry-After`: seconds, or a date in the form that HTTP fixes. Other forms of dates are nothing.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// How long a server wants to be left alone; a date that is past is no wait.
pub fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = UNIX_EPOCH + Duration::from_secs(seconds_of(text)?);
    Some(at.duration_since(now).unwrap_or_default())
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` in seconds since 1970.
fn seconds_of(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once(", ")?;
    let parts: Vec<&str> = rest.split(' ').collect();
    let [day, month, year, time, "GMT"] = parts[..] else {
        return None;
    };
    let number = |text: &str, most: u64| text.parse::<u64>().ok().filter(|n| *n <= most);
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let (day, year) = (number(day, 31).filter(|day| *day > 0)?, number(year, 9999)?);
    let clock: Vec<&str> = time.split(':').collect();
    let [hours, minutes, seconds] = clock[..] else {
        return None;
    };
    let (hours, minutes, seconds) = (
        number(hours, 23)?,
        number(minutes, 59)?,
        number(seconds, 60)?,
    );
    let days = days_before(year.checked_sub(u64::from(month <= 2))?, month, day)?;
    Some(days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

/// Days from 1970-01-01, in a calendar whose years begin in March, so that leap days come last.
fn days_before(year: u64, month: u64, day: u64) -> Option<u64> {
    let months = (month + 9) % 12;
    let leap = year / 4 - year / 100 + year / 400;
    (year * 365 + leap + (153 * months + 2) / 5 + day - 1).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seconds_and_dates_are_understood() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let wait = |text: &str| retry_after(text, now);
        assert_eq!(wait(" 12 "), Some(Duration::from_secs(12)));
        assert_eq!(wait("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(
            wait("Sun, 06 Nov 1994 08:50:37 GMT"),
            Some(Duration::from_secs(60))
        );
        assert_eq!(wait("Sat, 05 Nov 1994 08:50:37 GMT"), Some(Duration::ZERO));
        assert_eq!(
            seconds_of("Tue, 29 Feb 2000 00:00:00 GMT"),
            Some(951_782_400)
        );
        assert_eq!(
            seconds_of("Wed, 01 Mar 2000 00:00:00 GMT"),
            Some(951_868_800)
        );
        for nonsense in [
            "",
            "soon",
            "-3",
            "inf",
            "nan",
            "Sun, 06 Nov 1994",
            "Sun, 99 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(wait(nonsense), None, "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fall(text in ".{0,60}") {
            let _ = retry_after(&text, UNIX_EPOCH);
        }
    }
}
