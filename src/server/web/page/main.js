// Puts the page's parts together.

import { Alerts } from './alerts.js';
import { Composer } from './composer.js';
import { Connection } from './connection.js';
import { Door, keepTicked, showKey, wireMenu } from './dialogs.js';
import { $ } from './dom.js';
import { fill, safe } from './links.js';
import * as memory from './memory.js';
import { People } from './people.js';
import { Room } from './room.js';
import { Session } from './session.js';
import { View } from './view.js';

const STATES = { off: 'Not connected', opening: 'Connecting', waiting: 'Offline', on: 'Connected' };
const TALK = ['said', 'me', 'private'];
const RECENT_MAX = 50;

const room = new Room();
const view = new View();
const alerts = new Alerts(() => view.setRead());
const people = new People(room, (name) => {
	composer.begin(`/msg ${name} `);
	showPeople(false);
});

// Who tries to come in, with what they ticked.
let guest = {};
let visit = memory.recallVisit();
let retryAt = 0;
// Who spoke last is completed first.
let recent = [];

const session = new Session(
	(text) => connection.send(text),
	(what, about) => tellings[what](about),
);

const url = new URL('ws', location.href);
url.protocol = location.protocol.replace('http', 'ws');
url.search = url.hash = '';
const connection = new Connection(() => new WebSocket(url, 'chatroom.json.v1'), {
	opened: () => session.opened(),
	heard: (text) => session.hear(text),
	lost: () => session.lost(),
	probe: () => session.probe(),
	state: showState,
});

const door = new Door((who) => {
	guest = who;
	session.introduce(who);
	connection.open();
});

const composer = new Composer({
	say: (lines) => session.say(lines),
	names: () => [...new Set([...recent, ...room.people.keys()])].filter((name) => name !== room.me),
	lineBytes: () => session.lineBytes,
	escape: () => view.toEnd(),
});

// What the conversation tells the page.
const tellings = {
	ask({ what, why }) {
		connection.close();
		door.open(what, session.me, why);
	},
	turnedAway: ({ why }) => showTrouble(why),
	ended({ why }) {
		connection.close();
		memory.rememberVisit(null);
		showTrouble(why, 'Come back');
	},
	entered({ name, announcesJoins, visit: now, isNew }) {
		room.enter(name, announcesJoins, isNew);
		// When the page is loaded anew, the visit is told from its beginning.
		visit = isNew || !visit ? { ...now, since: name } : { ...visit, token: now.token };
		keepName(name);
		guest = {};
		door.close();
	},
	settled() {
		connection.settled();
		people.update();
		showTopic();
		view.showEmpty();
		composer.focus();
	},
	event: showEvent,
	back({ seconds, missed: { nothing, follows, lost } }) {
		const meanwhile = lost > 1 ? `the first ${lost} events meanwhile are lost`
			: `what was said meanwhile ${follows ? 'follows' : 'is lost'}`;
		mark(`Back after ${seconds} s: ${nothing ? 'nothing was missed' : meanwhile}`);
	},
	history: ({ begins }) => mark(begins ? 'What was said before you came' : 'You came in here'),
	own(line) {
		const shown = room.own(line);
		if (shown) view.add(shown);
	},
	refused({ line, why, code }) {
		if (['wrong-key', 'not-kept'].includes(code)) memory.rememberKey('', '');
		const quoted = line && !line.trimStart().startsWith('/') ? `\n${line}` : '';
		view.add({ kind: 'notice', time: Date.now(), text: why + quoted });
	},
	sent: () => connection.expectAnswer(),
	waiting: () => view.showWaiting(session.waiting),
};

function keepName(name) {
	keepTicked({ ...guest, name });
	visit = { ...visit, name };
	memory.rememberVisit(visit);
}

function mark(text) {
	view.add({ kind: 'mark', time: Date.now(), text });
}

function showEvent(message) {
	if (message.event === 'key') return showKey(message, () => composer.focus());
	const { me, topic } = room;
	const line = room.hear(message);
	people.update();
	if (topic !== room.topic) showTopic();
	if (me !== room.me) keepName(room.me);
	if (!line) return;
	const isTalk = TALK.includes(line.kind) && !line.isOwn;
	if (isTalk) recent = [line.name, ...recent.filter((name) => name !== line.name)].slice(0, RECENT_MAX);
	const isNews = isTalk && !line.isOld;
	view.add(line, isNews && !alerts.isLooking);
	if (isNews) alerts.heard(line);
}

function showTopic() {
	const topic = safe(room.topic);
	$('topic').replaceChildren();
	fill($('topic'), topic);
	$('topic').title = topic;
	$('topic').hidden = !topic;
}

function showState(state, at = 0) {
	retryAt = at;
	document.body.dataset.state = state;
	$('state-text').textContent = STATES[state];
	if (state === 'on') $('trouble').hidden = true;
	if (state === 'waiting' && $('trouble').hidden) showTrouble('The connection is lost.');
	countDown();
}

function showTrouble(why, retry = 'Try now') {
	$('trouble-text').textContent = safe(why);
	$('trouble').hidden = false;
	$('retry').textContent = retry;
}

function countDown() {
	const seconds = Math.ceil(Math.max(0, retryAt - Date.now()) / 1000);
	$('countdown').textContent = retryAt ? `Next try in ${seconds} s. What you send waits.` : '';
}

function showPeople(isOpen) {
	document.body.classList.toggle('people-open', isOpen);
	$('people-button').setAttribute('aria-expanded', isOpen);
}

wireMenu({
	me: () => room.me,
	changeName: () => composer.begin('/nick '),
	keepName: () => session.say(['/keep']),
	leave: () => session.say(['/quit']),
});
setInterval(countDown, 500);
$('retry').onclick = () => {
	session.introduce({});
	connection.open();
};
$('people-button').onclick = () => showPeople(!document.body.classList.contains('people-open'));
addEventListener('keydown', ({ key }) => key === 'Escape' && showPeople(false));

const name = visit?.name || memory.recall('name');
if (name) {
	guest = { name, key: memory.recallKey(name), password: memory.recall('password') };
	session.introduce(guest);
	if (visit) session.resume({ ...visit });
	connection.open();
} else {
	door.open('name', '', '');
}
