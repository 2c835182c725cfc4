// The conversation with the room in its JSON lines, over one connection and after a break over the
// next: what was missed is told once, and a line is sent until the server says that it has it.

// The room's words before it speaks JSON.
const ASK_PASSWORD = 'Please enter the password:';
const NOTICE = '* ';
// Most characters of lines that wait.
const WAITING_MAX = 256 * 1024;

const ABOUT_KEYS = ['wrong-key', 'too-many-tries'];
const ABOUT_NAMES = ['bad-name', 'name-taken', 'name-banned', 'not-kept'];
// After these the server ends the connection, and to come back unasked would be wrong.
const FAREWELLS = ['replaced', 'idle-timeout', 'banned', 'denied', 'not-allowed'];
const PUBLIC = ['said', 'me', 'joined', 'left', 'renamed', 'act', 'announced', 'closing'];

// The first word of a line that is a command, in small letters; none of talk.
export function commandOf(line) {
	return /^\s*\/(\p{L}+)(?=\s|$)/u.exec(line)?.[1].toLowerCase();
}

export class Session {
	#send;
	#tell;
	#who = { name: '', key: '', password: '' };
	#hello = null;
	// Up to where the room's events are known, and by which token the server knows us.
	#place = null;
	#isReload = false;
	#isInside = false;
	// What the server said last before the connection ended.
	#word = null;
	#gavePassword = false;
	#arrival = null;
	#inHistory = false;
	#outbox = [];
	#waiting = 0;
	#nextId = 1;
	// The server knows ids again, also of this visit before the page was loaded anew.
	#mine = Math.random().toString(36).slice(2, 9);
	#ownTold = new Set();
	#isQuitting = false;
	#lostAt = 0;

	// `send(text)` to the server; `tell(what, about)` to the page.
	constructor(send, tell) {
		this.#send = send;
		this.#tell = tell;
	}

	get me() {
		return this.#who.name;
	}

	get lineBytes() {
		return this.#hello?.line_bytes ?? 4096;
	}

	// The lines that wait for the server's word that it has them.
	get waiting() {
		return this.#outbox;
	}

	// Sets who comes in at the next connection.
	introduce(who) {
		Object.assign(this.#who, who);
		this.#isQuitting = false;
	}

	// Goes on with a visit of this page before it was loaded anew, of which all is told again.
	resume(place) {
		this.#place = place;
		this.#isReload = true;
	}

	// Takes lines to be said; `false` if too much waits already.
	say(lines) {
		const size = lines.reduce((sum, line) => sum + line.length, 0);
		if (this.#waiting + size > WAITING_MAX) return false;
		this.#waiting += size;
		for (const text of lines) this.#outbox.push({ id: this.#nextId++, text, isSent: false });
		this.#pump();
		return true;
	}

	// Asks the server for a sign of life: that it has nothing.
	probe() {
		if (this.#isInside) this.#put({ id: 'probe', line: '' });
	}

	opened() {
		this.#gavePassword = false;
		this.#word = null;
	}

	lost() {
		const word = this.#word;
		const wasInside = this.#isInside;
		this.#isInside = this.#inHistory = false;
		this.#arrival = null;
		for (const line of this.#outbox) line.isSent = false;
		if (wasInside) this.#lostAt = Date.now();
		if (this.#isQuitting) this.#tell('ended', { why: 'You have left the room.' });
		else if (word?.isLast) this.#tell('ended', { why: word.text });
		else if (word && !wasInside) this.#tell('turnedAway', { why: word.text });
	}

	hear(data) {
		for (const line of data.split('\n').filter(Boolean)) {
			let message;
			try {
				message = JSON.parse(line);
			} catch {
				this.#hearPlain(line);
				continue;
			}
			if (PUBLIC.includes(message.event)) this.#hearPublic(message);
			// What is added later is not for this page.
			else if (Object.hasOwn(this.#hearings, message.event)) this.#hearings[message.event](message);
		}
	}

	#hearPlain(line) {
		if (line.startsWith(NOTICE)) this.#word = { text: line.slice(NOTICE.length) };
		if (line !== ASK_PASSWORD) return;
		const { password } = this.#who;
		if (this.#gavePassword || !password) {
			this.#ask('password', this.#word?.text ?? 'The room has a password.');
		} else {
			this.#gavePassword = true;
			this.#send(password);
		}
	}

	#ask(what, why) {
		this.#tell('ask', { what, why });
	}

	#put(request) {
		this.#send(JSON.stringify(request));
	}

	#hearings = {
		hello: (hello) => {
			this.#hello = hello;
			const { name, key } = this.#who;
			const who = key ? { name, key } : { name };
			this.#put(this.#place ? { resume: { ...this.#place, ...who } } : who);
		},
		welcome: ({ seq, name, resumed, token }) => {
			this.#word = null;
			const isBack = Boolean(this.#place) && !this.#isReload;
			const was = this.#isReload ? this.#place.since : this.#who.name;
			this.#arrival = { seq, resumed, was, isBack };
			this.#who.name = name;
			const { boot, announces_joins: announcesJoins } = this.#hello;
			if (resumed) this.#place.token = token;
			else this.#place = { boot, seq, token };
			this.#tell('entered', { name, announcesJoins, visit: { ...this.#place }, isNew: !resumed });
		},
		gap: ({ missed }) => this.#tellBack({ lost: missed ?? true }),
		'history-begin': () => {
			this.#tellBack({ lost: true });
			this.#inHistory = true;
			this.#tell('history', { begins: true });
		},
		'history-end': () => {
			this.#inHistory = false;
			this.#tell('history', { begins: false });
		},
		members: (message) => {
			const { resumed, seq } = this.#arrival;
			this.#tellBack(resumed ? { nothing: true } : { lost: true });
			this.#place.seq = Math.max(this.#place.seq, seq);
			this.#arrival = null;
			this.#isReload = false;
			this.#isInside = true;
			this.#tell('event', message);
			this.#tell('settled', {});
			this.#pump();
		},
		private: (message) => this.#tell('event', message),
		key: (message) => {
			if (message.name === this.#who.name) this.#who.key = message.key;
			this.#tell('event', message);
		},
		notice: (message) => {
			this.#hearFarewell(message);
			this.#tell('event', message);
		},
		error: (message) => {
			this.#hearFarewell(message);
			if (!this.#isInside) return this.#hearRefusal(message);
			const { text: why, code, id } = message;
			this.#tell('refused', { line: this.#take(id)?.text, why, code });
			this.#pump();
		},
		ack: ({ id, seq, time }) => {
			const line = this.#take(id);
			if (seq) this.#place.seq = Math.max(this.#place.seq, seq);
			if (line && !this.#ownTold.delete(seq)) this.#tell('own', { text: line.text, seq, time });
			this.#pump();
		},
	};

	#hearRefusal({ code, text }) {
		if (code === 'name-kept') this.#ask(text.includes('its key') ? 'key' : 'name', text);
		else if (ABOUT_KEYS.includes(code)) this.#ask('key', text);
		else if (ABOUT_NAMES.includes(code)) this.#ask('name', text);
		else this.#word ??= { text };
	}

	#hearFarewell({ code, text }) {
		if (FAREWELLS.includes(code)) this.#word = { text, isLast: true };
	}

	// Says once, to somebody who was away, what has become of the time between.
	#tellBack(missed) {
		if (!this.#arrival?.isBack) return;
		this.#arrival.isBack = false;
		this.#tell('back', { seconds: Math.round((Date.now() - this.#lostAt) / 1000), missed });
	}

	#hearPublic(message) {
		const { event, seq, name, to, code, text } = message;
		if (this.#inHistory) return this.#tell('event', { ...message, isOld: true });
		if (seq <= this.#place.seq) return;
		this.#place.seq = seq;
		const arrival = this.#arrival;
		if (arrival?.resumed) {
			if (this.#isOwnPast(arrival, message)) return;
			this.#tellBack({ follows: true });
			const isOwn = name === arrival.was && ['said', 'me'].includes(event);
			if (isOwn) this.#ownTold.add(seq);
			return this.#tell('event', { ...message, isOwn, isOld: this.#isReload });
		}
		if (event === 'act' && name === this.me && ['kicked', 'banned'].includes(code)) {
			this.#word = { text, isLast: true };
		}
		if (event === 'renamed' && name === this.me) Object.assign(this.#who, { name: to, key: '' });
		this.#tell('event', message);
	}

	// Whether an event that was missed is of our own coming and going, which is no news.
	#isOwnPast(arrival, { event, name, to }) {
		if (event === 'renamed' && name === arrival.was) arrival.was = to;
		else if (!['joined', 'left'].includes(event) || ![arrival.was, this.me].includes(name)) return false;
		return true;
	}

	#take(id) {
		const at = this.#outbox.findIndex((line) => line.isSent && this.#mine + line.id === id);
		if (at < 0) return null;
		const [line] = this.#outbox.splice(at, 1);
		this.#waiting -= line.text.length;
		return line;
	}

	// Sends what may be sent: no more at a time than the server remembers.
	#pump() {
		while (this.#isInside && !this.#isQuitting) {
			const line = this.#outbox.find(({ isSent }) => !isSent);
			if (!line || line.id - this.#outbox[0].id >= Math.max(1, this.#hello.ids)) break;
			line.isSent = true;
			if (commandOf(line.text) === 'quit') {
				// It is answered by the end.
				this.#isQuitting = true;
				this.#take(this.#mine + line.id);
				this.#put({ line: line.text });
			} else {
				this.#put({ id: this.#mine + line.id, line: line.text });
				this.#tell('sent', {});
			}
		}
		this.#tell('waiting', {});
	}
}
