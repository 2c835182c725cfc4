//! Whatever a server says.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::any_server;

/// How a script mostly begins: up to a stream that is followed.
const UP: &[u8] = &[0, 0, 2, 3, 3, 1, 6, 0, 6, 5, 6, 6, 6, 2, 13, 1, 6, 0];

#[test]
fn a_script_comes_as_far_as_batches() {
    assert_eq!(any_server::play(UP), (true, 0));
    assert_eq!(
        any_server::play(&[UP, &[9, 3, 9, 0, 9, 64, 11, 0]].concat()),
        (true, 3)
    );
    // One is missing: another consumer is asked for, and has the next.
    let missing = [UP, &[9, 0, 9, 15, 12, 40, 6, 0, 9, 0]].concat();
    assert_eq!(any_server::play(&missing), (true, 2));
}

#[test]
fn who_connected_anew_was_up_twice() {
    assert_eq!(any_server::play(&[UP, UP].concat()), (true, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn no_server_and_no_room_brings_a_client_out_of_order(up in any::<bool>(), script in vec(any::<u8>(), 0..400)) {
        let script = if up { [UP, &script].concat() } else { script };
        any_server::run(&script);
    }
}
