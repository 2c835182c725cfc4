// Puts the page's parts together; each has its own file, and what it does not know.

import { Alerts } from './alerts.js';
import { Composer } from './composer.js';
import { Connection } from './connection.js';
import { Door, Menu, keepTicked, showKey, wireKeyCard } from './dialogs.js';
import { fill, safe } from './links.js';
import { recall, recallKey, rememberKey } from './memory.js';
import { People } from './people.js';
import { Room } from './room.js';
import { Session } from './session.js';
import { View } from './view.js';

const $ = (id) => document.getElementById(id);
const STATES = { off: 'Not connected', opening: 'Connecting', waiting: 'Offline', on: 'Connected' };
const TALK = ['said', 'me', 'private'];

const room = new Room();
const view = new View();
const people = new People(room, (name) => composer.begin(`/msg ${name} `));
const alerts = new Alerts(() => view.setRead());

// Who tries to come in, with what they ticked.
let guest = {};
let retryAt = 0;
let recent = [];

const session = new Session(
	(text) => connection.send(text),
	(what, about) => tellings[what](about),
);

const url = new URL('ws', location.href);
url.protocol = location.protocol.replace('http', 'ws');
url.search = url.hash = '';
const connection = new Connection(url, 'chatroom.json.v1', {
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
	names: () => [...recent, ...[...room.people.keys()].filter((name) => name !== room.me && !recent.includes(name))],
	lineBytes: () => session.lineBytes,
	escape: () => view.toEnd(),
});

const menu = new Menu({
	changeName: () => composer.begin('/nick '),
	keepName: () => session.say(['/keep']),
	leave: () => session.say(['/quit']),
});

// What the conversation tells the page.
const tellings = {
	ask({ what, why }) {
		connection.close();
		door.open(what, session.me, why);
	},
	'turned-away': ({ why }) => showTrouble(why),
	ended({ why }) {
		connection.close();
		showTrouble(why);
		$('retry').textContent = 'Come back';
	},
	entered({ name, announcesJoins }) {
		room.enter(name, announcesJoins);
		keepTicked({ ...guest, name });
		guest = { name };
		door.close();
	},
	settled() {
		connection.settled();
		people.update();
		showTopic();
		view.showEmpty(true);
		composer.focus();
	},
	event: showEvent,
	back({ seconds, missed }) {
		const lost = missed.lost;
		const what = missed.nothing ? 'nothing was missed'
			: missed.follows ? 'what was said meanwhile follows'
				: lost > 0 && lost !== true ? `the first ${lost} lines of what was said meanwhile are lost`
					: 'what was said meanwhile is lost';
		mark(`Back after ${seconds} s: ${what}`);
	},
	history: ({ begins }) => mark(begins ? 'What was said before you came' : 'You came in here'),
	own(line) {
		const shown = room.own(line);
		if (shown) view.add(shown);
		tellings.waiting();
	},
	refused({ line, why, code }) {
		if (code === 'wrong-key' || code === 'not-kept') rememberKey('', '');
		const quoted = line && !line.trimStart().startsWith('/') ? `\n${line}` : '';
		view.add({ kind: 'notice', time: Date.now(), text: why + quoted });
		tellings.waiting();
	},
	sent: () => connection.expectAnswer(),
	waiting: () => view.showWaiting(session.waiting),
};

function mark(text) {
	view.add({ kind: 'mark', time: Date.now(), text });
}

function showEvent(message) {
	if (message.event === 'key') return showKey(message);
	const { topic } = room;
	const line = room.hear(message);
	people.update();
	if (topic !== room.topic) showTopic();
	if (message.event === 'renamed' && message.to === room.me) keepTicked({ name: room.me });
	if (!line) return;
	const isTalk = TALK.includes(line.kind) && !line.isOwn;
	if (isTalk) noteSpeaker(line.name);
	const isNews = isTalk && !line.isOld;
	view.add(line, isNews && !alerts.isLooking);
	if (isNews) alerts.heard(line);
}

// Who spoke last is completed first.
function noteSpeaker(name) {
	recent = [name, ...recent.filter((other) => other !== name)].slice(0, 50);
}

function showTopic() {
	$('topic').replaceChildren();
	fill($('topic'), safe(room.topic));
	$('topic').title = safe(room.topic);
	$('topic').hidden = !room.topic;
}

function showState(state, at) {
	retryAt = at;
	$('state').dataset.state = state;
	$('state-text').textContent = STATES[state];
	document.body.dataset.state = state;
	if (state === 'on') $('trouble').hidden = true;
	if (state === 'waiting' && $('trouble').hidden) showTrouble('The connection is lost.');
	countDown();
}

function showTrouble(why) {
	$('trouble-text').textContent = safe(why);
	$('trouble').hidden = false;
	$('retry').textContent = 'Try now';
}

function countDown() {
	const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
	$('countdown').textContent = retryAt ? `Next try in ${seconds} s. What you send waits.` : '';
}

function showPeople(isOpen) {
	document.body.classList.toggle('people-open', isOpen);
	$('people-button').setAttribute('aria-expanded', String(isOpen));
}

setInterval(countDown, 500);
wireKeyCard(() => composer.focus());
$('retry').addEventListener('click', () => {
	session.introduce({});
	connection.open();
});
$('menu-button').addEventListener('click', () => menu.open(room.me || '…'));
$('people-button').addEventListener('click', () => showPeople(!document.body.classList.contains('people-open')));
$('names').addEventListener('click', () => showPeople(false));
$('log').addEventListener('click', ({ target }) => {
	if (target.classList.contains('name') && getSelection().isCollapsed) composer.insert(`${target.textContent} `);
});
addEventListener('keydown', ({ key }) => key === 'Escape' && showPeople(false));

const name = recall('name');
if (name) {
	guest = { name, key: recallKey(name), password: recall('password') };
	session.introduce(guest);
	connection.open();
} else {
	door.open('name', '', '');
}
