//! What is asked of `JetStream`, and what is done with the answers.

use super::jetstream::{self, Answer};
use super::setup::{Outcome, Setup};
use super::snapshots::PutOff;
use super::wire::{self, Message};
use super::{ANSWER_MAX, ASK_AGAIN, BEATS_SID, Client, Happened, Phase, Problem, Question};

impl Client {
    /// Asks; the answer comes under a number.
    fn ask(&mut self, question: Question, subject: &str, payload: &[u8]) {
        self.next_question += 1;
        let number = self.next_question;
        self.questions
            .push_back((number, question, self.now + ANSWER_MAX));
        let reply = format!("{}.r.{number}", self.inbox);
        wire::publish(&mut self.out, subject, Some(&reply), payload);
    }

    /// Asks the next question about the streams, or the same once more: the first answer counts.
    pub(super) fn ask_for_setup(&mut self) {
        if let Phase::Setup(setup) = &self.phase {
            self.ask_again = Some(self.now + ASK_AGAIN);
            let (subject, payload) = setup.question(&self.streams);
            self.ask(Question::Setup, &subject, &payload);
        }
    }

    /// Asks for another consumer if it is time.
    pub(super) fn follow(&mut self) {
        let stream = &self.streams.events.name;
        let request = self
            .following
            .begin(stream, &self.inbox, &mut self.out, self.now);
        if let Some(request) = request {
            // What becomes of the one before doesn't matter any more.
            self.questions
                .retain(|(_, question, _)| *question != Question::Consumer);
            let subject = format!("$JS.API.CONSUMER.CREATE.{stream}");
            self.ask(Question::Consumer, &subject, &request);
        }
    }

    /// Asks for the next part of the snapshot, or `again` for the first.
    pub(super) fn get_part(&mut self, again: bool) {
        let part = self.snapshots.next_to_get(again);
        let wanted = jetstream::last_of(&self.state_subject(part));
        let subject = format!("$JS.API.STREAM.MSG.GET.{}", self.streams.state.name);
        self.ask(Question::GetPart, &subject, &wanted);
    }

    /// Puts the next part of a snapshot, if there is one.
    pub(super) fn put_part(&mut self) {
        let Some((number, part)) = self.snapshots.next_to_put() else {
            return;
        };
        let part = part.to_vec();
        self.ask(Question::PutPart, &self.state_subject(number), &part);
    }

    fn state_subject(&self, part: usize) -> String {
        format!("chatroom.{}.state.{part}", self.options.room)
    }

    /// Does what has to be done about questions that nobody has answered in time.
    pub(super) fn give_up_questions(&mut self) {
        while let Some(&(_, question, deadline)) = self.questions.front()
            && deadline <= self.now
        {
            self.questions.pop_front();
            self.unanswered(question, "JetStream doesn't answer");
        }
    }

    fn unanswered(&mut self, question: Question, why: &str) {
        match question {
            Question::Setup => self.fail(why, false),
            Question::GetPart => {
                let why = format!("the snapshot can't be read: {why}");
                // Who keeps it may have to be elected first; what follows is heard meanwhile.
                match self.snapshots.put_off(self.now) {
                    PutOff::First => self.remark(why),
                    PutOff::Again => {}
                    PutOff::TooOften => self.fail(why, false),
                }
            }
            Question::Consumer => {
                if self.following.refuse(self.now) {
                    self.fail(why, false);
                }
            }
            Question::PutPart => {
                self.snapshots.give_up();
                self.remark(format!("the snapshot isn't kept: {why}"));
            }
        }
    }

    pub(super) fn hear_answer(&mut self, message: &Message) {
        let bytes = self.decoder.bytes();
        let token = bytes[message.subject.clone()]
            .rsplit(|&byte| byte == b'.')
            .next();
        let number = token.and_then(wire::number);
        let place = self
            .questions
            .iter()
            .position(|(asked, ..)| Some(*asked) == number);
        let Some((_, question, _)) = place.and_then(|place| self.questions.remove(place)) else {
            return;
        };
        if message.status.is_some() && question != Question::Setup {
            return self.unanswered(question, "JetStream isn't there");
        }
        if message.status.is_some() {
            let Problem { why, for_good } = Setup::nobody_answers(self.info.jetstream);
            return self.fail(why, for_good);
        }
        match Answer::read(&bytes[message.payload.clone()]) {
            Some(answer) => self.answered(question, answer),
            None => self.unanswered(question, "what JetStream answers can't be read"),
        }
    }

    fn answered(&mut self, question: Question, answer: Answer) {
        match (question, &answer.error) {
            (Question::Setup, _) => self.hear_setup(answer),
            (Question::GetPart, Some(refusal)) if !refusal.is_no_message() => {
                self.unanswered(question, &refusal.shown());
            }
            (Question::GetPart, _) => match self.snapshots.got(&answer) {
                Some(parts) => self.happened.push_back(Happened::Snapshot(parts)),
                None => self.get_part(false),
            },
            (Question::Consumer | Question::PutPart, Some(refusal)) => {
                self.unanswered(question, &refusal.shown());
            }
            (Question::Consumer, None) => {}
            (Question::PutPart, None) => {
                self.snapshots.is_put();
                self.put_part();
            }
        }
    }

    fn hear_setup(&mut self, answer: Answer) {
        let Phase::Setup(setup) = &mut self.phase else {
            return;
        };
        self.questions
            .retain(|(_, question, _)| *question != Question::Setup);
        self.ask_again = None;
        match setup.hear(answer, &self.streams) {
            Ok(Outcome::Ask) => self.ask_for_setup(),
            Ok(Outcome::Ready(held, born, differences)) => {
                if !self.was_up {
                    for difference in differences {
                        self.remark(difference);
                    }
                }
                let last_seq = self.last_seq(held.last_seq, born);
                self.go_up(held.first_seq, last_seq);
            }
            Err(Problem { why, for_good }) => self.fail(why, for_good),
        }
    }

    /// Returns the last sequence of the stream, which is before what was told only if it is another
    /// stream: a server that has just been elected may lag behind, and another stream be longer.
    fn last_seq(&mut self, last_seq: u64, born: String) -> u64 {
        let told = self.following.told();
        let is_other = std::mem::replace(&mut self.born, born) != self.born;
        if is_other && told > 0 {
            last_seq.min(told - 1)
        } else {
            last_seq.max(told)
        }
    }

    fn go_up(&mut self, first_seq: u64, last_seq: u64) {
        self.phase = Phase::Up;
        let first_seq = first_seq.max(1);
        self.happened.push_back(Happened::Up {
            first_seq,
            last_seq,
        });
        wire::subscribe(
            &mut self.out,
            &format!("chatroom.{}.beat", self.options.room),
            BEATS_SID,
        );
        self.subscribe_told();
        self.following.resume(self.now);
        if !std::mem::replace(&mut self.was_up, true) {
            self.snapshots.wanted = true;
        }
        if self.snapshots.wanted {
            self.get_part(true);
        }
        self.follow();
    }
}
