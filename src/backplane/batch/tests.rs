use super::*;
use crate::backplane::event::TEXT_BYTES_MAX;
use proptest::prelude::*;

/// What was published: counter, round, payload.
#[derive(Default)]
struct Published(Vec<(u64, u32, Vec<u8>)>);

impl Link for Published {
    fn listen_as(&mut self, _: &str) {}
    fn follow_from(&mut self, _: u64) {}
    fn fetch_snapshot(&mut self) {}
    fn publish(&mut self, counter: u64, round: u32, payload: &[u8]) {
        assert!(payload.len() <= BATCH_BYTES_MAX);
        self.0.push((counter, round, payload.to_vec()));
    }
    fn tell(&mut self, _: &str, _: &[u8]) {}
    fn beat(&mut self) {}
    fn put_snapshot(&mut self, _: Vec<Vec<u8>>) {}
    fn waiting_bytes(&self) -> usize {
        0
    }
}

fn said(text: &str) -> Entry<'_> {
    Entry::Said(1, text.into())
}

fn take(link: &mut Published) -> Vec<(u64, u32, Vec<u8>)> {
    std::mem::take(&mut link.0)
}

#[test]
fn what_has_not_come_back_is_sent_again() {
    let (mut outbox, mut link) = (Outbox::new("b"), Published::default());
    for (number, text) in ["one", "two", "three"].into_iter().enumerate() {
        outbox.push(&said(text), number);
        outbox.publish(&mut link);
    }
    let first = take(&mut link);
    assert_eq!(
        first.iter().map(|sent| sent.0).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    let batch = Batch::parse(&first[0].2).unwrap();
    assert_eq!(
        (&*batch.node, batch.n, batch.events),
        ("b", 1, vec![said("one")])
    );
    assert_eq!(outbox.take(&first[0].2), [0]);
    outbox.send_again();
    outbox.publish(&mut link);
    assert_eq!(take(&mut link), first[1..], "the same again");
    outbox.begin_round();
    outbox.publish(&mut link);
    let again = take(&mut link);
    assert_eq!(
        again
            .iter()
            .map(|sent| (sent.0, sent.1))
            .collect::<Vec<_>>(),
        [(2, 1), (3, 1)]
    );
    for (number, (_, _, payload)) in (1..).zip(&again) {
        assert_eq!(outbox.take(payload), [number]);
    }
    assert!(outbox.is_empty() && outbox.waiting_bytes() == 0 && !outbox.is_waiting());
}

#[test]
fn what_another_writes_under_this_boot_takes_nothing_away() {
    let (mut outbox, mut link) = (Outbox::new("b"), Published::default());
    outbox.push(&said("mine"), 7);
    outbox.publish(&mut link);
    let mine = take(&mut link).remove(0).2;
    let false_one = String::from_utf8(mine).unwrap().replace("mine", "not mine");
    assert!(Batch::parse(false_one.as_bytes()).is_some());
    assert!(outbox.take(false_one.as_bytes()).is_empty());
    outbox.publish(&mut link);
    let (counter, round, payload) = take(&mut link).remove(0);
    assert_eq!((counter, round), (2, 1));
    assert_eq!(outbox.take(&payload), [7]);
}

#[test]
fn more_rides_in_one_batch_while_enough_is_on_its_way() {
    let (mut outbox, mut link) = (Outbox::new("b"), Published::default());
    for number in 0..100 {
        outbox.push(&said("x"), number);
        outbox.publish(&mut link);
    }
    let sent = take(&mut link);
    assert_eq!(sent.len(), ON_THEIR_WAY);
    outbox.take(&sent[0].2);
    outbox.publish(&mut link);
    let rest = take(&mut link).remove(0).2;
    assert_eq!(
        Batch::parse(&rest).unwrap().events.len(),
        100 - ON_THEIR_WAY
    );
}

#[test]
fn a_batch_is_no_longer_than_may_be() {
    let (mut outbox, mut link) = (Outbox::new("b"), Published::default());
    // The worst that a text can become as JSON.
    let text = "\"".repeat(TEXT_BYTES_MAX);
    for number in 0..20 {
        outbox.push(&said(&text), number);
    }
    outbox.publish(&mut link);
    let mut thens = Vec::new();
    for (_, _, payload) in take(&mut link) {
        thens.extend(outbox.take(&payload));
    }
    assert_eq!(thens, (0..20).collect::<Vec<_>>());
    assert_eq!(outbox.waiting_bytes(), 0);
}

#[test]
fn what_has_counted_unheard_is_taken_out() {
    let (mut outbox, mut link) = (Outbox::new("b"), Published::default());
    for (number, text) in ["one", "two", "three"].into_iter().enumerate() {
        outbox.push(&said(text), number);
        outbox.publish(&mut link);
    }
    let sent = take(&mut link);
    assert!(outbox.take_counted(0).is_empty());
    let mut counted = outbox.take_counted(2);
    let counters: Vec<u64> = counted.iter().map(|unheard| unheard.counter).collect();
    assert_eq!(counters, [1, 2]);
    let second: Vec<_> = counted[1].take().collect();
    assert_eq!(second, [(said("two"), 1)]);
    assert!(outbox.take_counted(2).is_empty());
    assert_eq!(outbox.take(&sent[2].2), [2]);
    assert_eq!(outbox.waiting_bytes(), 0);
    // Others have written under this boot: what comes next is counted behind that.
    assert!(outbox.take_counted(9).is_empty());
    outbox.push(&said("four"), 3);
    outbox.publish(&mut link);
    assert_eq!(take(&mut link)[0].0, 10);
}

proptest! {
    #[test]
    fn garbage_is_no_batch(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        prop_assert!(Batch::parse(&bytes).is_none());
    }

    #[test]
    fn a_damaged_batch_does_no_harm(at in 0_usize..90, byte in any::<u8>()) {
        let (mut outbox, mut link) = (Outbox::new("b"), Published::default());
        outbox.push(&said("a line of talk"), ());
        outbox.publish(&mut link);
        let mut payload = take(&mut link).remove(0).2;
        let at = at % payload.len();
        payload[at] = byte;
        if Batch::parse(&payload).is_some() {
            outbox.take(&payload);
        }
    }
}
