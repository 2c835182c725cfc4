//! What the client reads out of the server's notices, which are meant for people.

use crate::room::Name;

/// Returns the name that `notice` tells the reader to have from now on.
pub(super) fn own_name(notice: &str) -> Option<&str> {
    notice
        .strip_prefix("You are now known as ")?
        .strip_suffix('.')
}

/// Returns the names in the answer to `/who`; none if `notice` is another.
pub(super) fn names_here(notice: &str) -> impl Iterator<Item = &str> {
    let list = notice
        .strip_prefix("Here (")
        .and_then(|rest| rest.split_once("): "))
        .map_or("", |(_, names)| names);
    list.split(", ").filter(|name| Name::parse(name).is_ok())
}

/// Returns whether lines follow `notice` that were before the reader came.
pub(super) fn begins_past(notice: &str) -> bool {
    notice.contains(" from before you came, ") && notice.ends_with(" UTC:")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::notice::Notice;
    use crate::wire::plain::{STAR, put_past};

    #[test]
    fn what_the_room_writes_is_read() {
        let told = Notice::NowKnownAs { name: "سهیل" }.to_string();
        assert_eq!(own_name(&told), Some("سهیل"));
        let told = Notice::Here {
            count: 2,
            names: "ali, سهیل",
            more: 0,
        }
        .to_string();
        assert_eq!(names_here(&told).collect::<Vec<_>>(), ["ali", "سهیل"]);
        for count in [1, 2] {
            let mut past = String::new();
            put_past(count, [0, 1], 2, &mut past);
            let past = past.trim_start_matches(STAR).trim_end();
            assert!(begins_past(past) && !begins_past(&told), "{past}");
        }
        let other = Notice::NobodyCalled { name: "x" }.to_string();
        assert_eq!((own_name(&other), names_here(&other).count()), (None, 0));
    }
}
