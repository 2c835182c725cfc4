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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::notice::Notice;

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
        let other = Notice::NobodyCalled { name: "x" }.to_string();
        assert_eq!((own_name(&other), names_here(&other).count()), (None, 0));
    }
}
