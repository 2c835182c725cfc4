// What is known of the room: who is here, what it is about; and what of an event is to be shown. Pure.

import { hueOf, mentionOf } from './names.js';
import { commandOf } from './session.js';

const CLOSING = 'The chatroom is closing.';
// The topic as newcomers and those who ask are told it: by a name, which has no colon, and its text.
const TOPIC = /^The topic \(by [^:]*\): ([^]*)$/;
const NO_TOPIC = 'The room has no topic.';
// Notices that repeat what an event or the page's own list tells.
const TOLD_ALREADY = ['now-known-as', 'reached'];

export class Room {
	me = '';
	topic = '';
	// How many are here who are not among `people`.
	more = 0;
	announcesJoins = false;
	// The hue of each who is here; it stays when the name changes.
	people = new Map();
	#entering = '';
	#mention = null;
	#reached = '';

	enter(name, announcesJoins, isNew) {
		this.rename(name);
		this.announcesJoins = announcesJoins;
		this.topic = '';
		this.#entering = isNew ? 'anew' : 'again';
	}

	rename(name) {
		this.me = name;
		this.#mention = mentionOf(name);
	}

	get count() {
		return this.people.size + this.more;
	}

	hue(name) {
		return this.people.get(name) ?? hueOf(name);
	}

	// Takes an event and returns the line that shows it; nothing where there is none to show.
	hear(message) {
		const { event, name, text, isOld = false } = message;
		const time = message.time ?? Date.now();
		const line = (kind, more) => ({ kind, time, isOld, ...more });
		switch (event) {
			case 'members': return this.#gather(message);
			case 'said':
			case 'me': return this.#talk(message, line);
			case 'private':
				return line('private', { name, hue: this.hue(name), text, tag: 'to you alone', isCall: true });
			case 'joined':
				if (!isOld) this.#come(name);
				return this.announcesJoins ? line('presence', { text: `${name} is joined to the chatroom!` }) : null;
			case 'left':
				if (!isOld) this.#go(name);
				return line('presence', { text: `${name} has left the chatroom!` });
			case 'renamed': return this.#renamed(message, isOld, line);
			case 'act': return this.#act(message, line);
			case 'announced': return line('act', { text });
			case 'closing': return line('act', { text: CLOSING });
			case 'notice': return this.#notice(message, line);
			default: return null;
		}
	}

	// Returns the line that shows one's own, once the server has it; `seq` if everybody was told.
	own({ text, seq, time = Date.now() }) {
		const command = commandOf(text);
		const rest = text.replace(/^\s*\/\p{L}+\s*/u, '');
		const own = { name: this.me, hue: this.hue(this.me), time, isOwn: true };
		// What nobody would see anything of was said to nobody.
		if (!command) return seq ? { kind: 'said', ...own, text: text.replace(/^\/(?=\/)/, '') } : null;
		if (command === 'me') return { kind: 'me', ...own, text: rest };
		if (command === 'msg') {
			const [, to, words] = /^(\S+)\s+([^]*)$/.exec(rest) ?? [];
			return { kind: 'private', ...own, text: words, tag: `to ${this.#reached || to} alone` };
		}
		if (command === 'r') return { kind: 'private', ...own, text: rest, tag: `to ${this.#reached} alone` };
		return null;
	}

	#talk({ event, name, text, isOwn = false }, line) {
		const isCall = !isOwn && text.search(this.#mention) >= 0;
		return line(event, { name, hue: this.hue(name), text, isOwn, isCall, mention: isCall && this.#mention });
	}

	#gather({ names, more }) {
		const before = this.people;
		this.people = new Map(names.map((name) => [name, before.get(name) ?? hueOf(name)]));
		this.more = more;
		this.#entering = '';
		return null;
	}

	#come(name) {
		if (!this.people.has(name)) this.people.set(name, hueOf(name));
	}

	#go(name) {
		if (!this.people.delete(name)) this.more = Math.max(0, this.more - 1);
	}

	#renamed({ name, to }, isOld, line) {
		if (!isOld) {
			const hue = this.hue(name);
			this.#go(name);
			this.people.set(to, hue);
			if (name === this.me) {
				this.rename(to);
				return line('presence', { text: `You are now known as ${to}.` });
			}
		}
		return line('presence', { text: `${name} is now known as ${to}!` });
	}

	#act({ code, what, text }, line) {
		if (code === 'topic') this.topic = what;
		return line('act', { text });
	}

	#notice({ code, text }, line) {
		if (code === 'topic') {
			this.topic = text === NO_TOPIC ? '' : TOPIC.exec(text)?.[1] ?? this.topic;
			// A newcomer reads it in the head.
			if (this.#entering) return null;
		}
		if (code === 'motd' && this.#entering === 'again') return null;
		if (code === 'reached') this.#reached = /reached (.*)\.$/.exec(text)?.[1] ?? '';
		return TOLD_ALREADY.includes(code) ? null : line('notice', { text });
	}
}
