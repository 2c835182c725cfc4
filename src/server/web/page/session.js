// The conversation with the room in its JSON lines, over one connection and after a break over the
// next: what was missed is told once, and a line is sent until the server says that it has it.

// The room's own words before JSON is spoken.
const ASK_PASSWORD = 'Please enter the password:';
const NOTICE = '* ';
// Most characters of lines that wait, and lines known to have been told twice.
const WAITING_MAX = 256 * 1024;

const ABOUT_KEYS = ['wrong-key', 'too-many-tries'];
const ABOUT_NAMES = ['bad-name', 'name-taken', 'name-banned', 'not-kept', 'no-name'];
// After these words the server ends the connection, and coming back by itself would be wrong.
const FAREWELLS = ['replaced', 'idle-timeout', 'banned', 'denied', 'not-allowed'];

// The first word of a line that is a command, in small letters; none of talk.
export function commandOf(line) {
	return /^\s*\/(\p{L}+)(?=\s|$)/u.exec(line)?.[1].toLowerCase();
}

export class Session {
	#send;
	#tell;
	#who = { name: '', key: '', password: '' };
	#hello = null;
	#place = null;
	#phase = 'out';
	#word = null;
	#gavePassword = false;
	#arrival = null;
	#inHistory = false;
	#outbox = [];
	#waiting = 0;
	#nextId = 1;
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

	get isInside() {
		return this.#phase === 'inside';
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
		this.#who = { ...this.#who, ...who };
		this.#isQuitting = false;
	}

	// Takes lines to be said; `false` if too much waits already.
	say(lines) {
		const size = lines.reduce((sum, line) => sum + line.length, 0);
		if (this.#waiting + size > WAITING_MAX) return false;
		this.#waiting += size;
		for (const text of lines) {
			this.#outbox.push({ id: this.#nextId++, text, isSent: false });
		}
		this.#pump();
		return true;
	}

	// Asks the server for a sign of life.
	probe() {
		if (this.isInside) this.#put({ id: 'probe', line: '' });
	}

	opened() {
		this.#phase = 'opening';
		this.#gavePassword = false;
		this.#word = null;
	}

	// Returns whether to come back.
	lost() {
		const word = this.#word;
		const was = this.#phase;
		this.#phase = 'out';
		this.#arrival = null;
		this.#inHistory = false;
		for (const line of this.#outbox) line.isSent = false;
		if (was === 'inside') this.#lostAt = Date.now();
		if (this.#isQuitting) this.#tell('ended', { why: 'You have left the room.' });
		else if (word?.isLast) this.#tell('ended', { why: word.text });
		else if (word && was !== 'inside') this.#tell('turned-away', { why: word.text });
	}

	hear(data) {
		for (const line of data.split('\n')) {
			if (!line) continue;
			let message = null;
			try {
				message = JSON.parse(line);
			} catch {
				this.#hearPlain(line);
				continue;
			}
			// What is added later is not for this page.
			this[`on_${message?.event}`.replaceAll('-', '_')]?.(message);
		}
	}

	#hearPlain(line) {
		if (line.startsWith(NOTICE)) {
			this.#word = { text: line.slice(NOTICE.length), isLast: false };
		} else if (line === ASK_PASSWORD) {
			if (this.#gavePassword || !this.#who.password) {
				return this.#ask('password', this.#word?.text ?? 'The room has a password.');
			}
			this.#gavePassword = true;
			this.#send(this.#who.password);
		}
	}

	#ask(what, why) {
		this.#phase = 'out';
		this.#tell('ask', { what, why });
	}

	#put(request) {
		this.#send(JSON.stringify(request));
	}

	on_hello(hello) {
		this.#hello = hello;
		this.#phase = 'entering';
		const { name, key } = this.#who;
		const place = this.#place;
		const proof = key ? { key } : {};
		if (place) {
			const { boot, seq, token } = place;
			this.#put({ resume: { boot, seq, name, token, ...proof } });
		} else {
			this.#put({ name, ...proof });
		}
	}

	on_welcome({ seq, name, resumed, token }) {
		this.#word = null;
		this.#arrival = { seq, resumed, was: this.#who.name, isBack: this.#place !== null };
		this.#who.name = name;
		const boot = this.#hello.boot;
		if (resumed && this.#place) this.#place.token = token;
		else this.#place = { boot, seq, token };
		this.#tell('entered', { name, resumed, announcesJoins: this.#hello.announces_joins });
	}

	// Says once, to somebody who was away, what has become of the time between.
	#tellBack(missed) {
		const arrival = this.#arrival;
		if (!arrival?.isBack) return;
		arrival.isBack = false;
		const seconds = this.#lostAt ? Math.round((Date.now() - this.#lostAt) / 1000) : 0;
		this.#tell('back', { seconds, missed });
	}

	on_gap({ missed }) {
		this.#tellBack({ lost: missed ?? true });
	}

	on_history_begin() {
		this.#tellBack({ lost: true });
		this.#inHistory = true;
		this.#tell('history', { begins: true });
	}

	on_history_end() {
		this.#inHistory = false;
		this.#tell('history', { begins: false });
	}

	on_members(message) {
		const resumed = this.#arrival?.resumed;
		this.#tellBack(resumed ? { nothing: true } : { lost: true });
		if (this.#arrival) this.#place.seq = Math.max(this.#place.seq, this.#arrival.seq);
		this.#arrival = null;
		this.#phase = 'inside';
		this.#tell('event', message);
		this.#tell('settled', {});
		this.#pump();
	}

	#hearPublic(message) {
		const isOld = this.#inHistory;
		if (!isOld) {
			if (message.seq <= this.#place?.seq) return;
			if (this.#place) this.#place.seq = message.seq;
		}
		const arrival = this.#arrival;
		if (arrival?.resumed && !isOld) {
			if (this.#isOwnPast(arrival, message)) return;
			this.#tellBack({ follows: true });
			const isOwn = message.name === arrival.was && 'text' in message && !message.by;
			if (isOwn) this.#ownTold.add(message.seq);
			return this.#tell('event', { ...message, isOwn });
		}
		if (message.event === 'renamed' && message.name === this.#who.name && !isOld) {
			this.#who.name = message.to;
			this.#who.key = '';
		}
		this.#tell('event', { ...message, isOld });
	}

	// Whether an event that was missed is of our own coming and going, which is no news.
	#isOwnPast(arrival, { event, name, to }) {
		if (event === 'renamed' && name === arrival.was) {
			arrival.was = to;
			return true;
		}
		return (event === 'joined' || event === 'left') && (name === arrival.was || name === this.#who.name);
	}

	on_said(message) { this.#hearPublic(message); }
	on_me(message) { this.#hearPublic(message); }
	on_joined(message) { this.#hearPublic(message); }
	on_left(message) { this.#hearPublic(message); }
	on_renamed(message) { this.#hearPublic(message); }
	on_announced(message) { this.#hearPublic(message); }
	on_closing(message) { this.#hearPublic(message); }

	on_act(message) {
		const isUs = message.name === this.#who.name && ['kicked', 'banned'].includes(message.code);
		if (isUs && !this.#inHistory && !this.#arrival) this.#word = { text: message.text, isLast: true };
		this.#hearPublic(message);
	}

	on_private(message) { this.#tell('event', message); }

	on_key(message) {
		if (message.name === this.#who.name) this.#who.key = message.key;
		this.#tell('event', message);
	}

	on_notice(message) {
		this.#hearFarewell(message);
		this.#tell('event', message);
	}

	#hearFarewell({ code, text }) {
		if (FAREWELLS.includes(code)) this.#word = { text, isLast: true };
	}

	on_error(message) {
		const { code, text, id } = message;
		if (this.#phase !== 'inside') {
			if (code === 'name-kept') return this.#ask(text.includes('its key') ? 'key' : 'name', text);
			if (ABOUT_KEYS.includes(code)) return this.#ask(this.#hello ? 'key' : 'password', text);
			if (code === 'wrong-password') return this.#ask('password', text);
			if (ABOUT_NAMES.includes(code)) return this.#ask('name', text);
			this.#word = { text, isLast: FAREWELLS.includes(code) };
			return;
		}
		this.#hearFarewell(message);
		const line = this.#take(id);
		this.#tell('refused', { line: line?.text, why: text, code });
		this.#pump();
	}

	on_ack({ id, seq, time }) {
		const line = this.#take(id);
		if (seq && this.#place) this.#place.seq = Math.max(this.#place.seq, seq);
		if (line && !this.#ownTold.delete(seq)) this.#tell('own', { text: line.text, seq, time });
		else if (line) this.#tell('waiting', {});
		this.#pump();
	}

	#take(id) {
		const at = this.#outbox.findIndex((line) => line.isSent && String(line.id) === id);
		if (at < 0) return null;
		const [line] = this.#outbox.splice(at, 1);
		this.#waiting -= line.text.length;
		return line;
	}

	// Sends what may be sent: no more at a time than the server remembers.
	#pump() {
		while (this.isInside && !this.#isQuitting) {
			const line = this.#outbox.find(({ isSent }) => !isSent);
			if (!line || line.id - this.#outbox[0].id >= Math.max(1, this.#hello.ids)) break;
			if (commandOf(line.text) === 'quit') {
				this.#isQuitting = true;
				this.#outbox.splice(this.#outbox.indexOf(line), 1);
				this.#put({ line: line.text });
				break;
			}
			line.isSent = true;
			this.#put({ id: String(line.id), line: line.text });
			this.#tell('sent', {});
		}
		this.#tell('waiting', {});
	}
}
