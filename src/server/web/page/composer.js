// Where one writes: rows, what was sent before, completion. What is sent is kept in this page's
// memory alone, and of `/nick NAME KEY` the key is not.

import { candidates } from './completion.js';
import { $ } from './dom.js';
import { commandOf } from './session.js';
import { hideKey } from './view.js';

const HISTORY_MAX = 200;
const ARROWS = { ArrowUp: -1, ArrowDown: 1 };
const ROWS_MAX_PX = 200;
// Commands whose text may go on in further rows, each said in the same way.
const GOES_ON = /^(\s*\/(?:msg\s+\S+|r|me)\s)/iu;

const encoder = new TextEncoder();

// The lines that a text of several rows is: each row is one. Only what says something to one person
// or tells what one does goes on in the next row; other rows are talk, whatever they start with.
export function linesOf(text) {
	const rows = text.split('\n').map((row) => row.trimEnd()).filter(Boolean);
	if (rows.length < 2) return { lines: rows.map(spoken) };
	const prefix = GOES_ON.exec(rows[0])?.[1];
	if (prefix) return { lines: [rows[0], ...rows.slice(1).map((row) => prefix + row)] };
	if (commandOf(rows[0])) return { why: 'A command is one row: take the others away.' };
	return { lines: rows.map((row) => (row.startsWith('/') ? `/${row}` : row)) };
}

// What starts with a slash and is no command is said.
function spoken(line) {
	return line.startsWith('/') && !line.startsWith('//') && !commandOf(line) ? `/${line}` : line;
}

export class Composer {
	#line = $('line');
	#hint = $('hint');
	#history = [];
	#at = 0;
	#draft = '';
	#round = null;
	#on;

	// `on` has `say(lines)`, `names()`, `lineBytes()` and `escape()`.
	constructor(on) {
		this.#on = on;
		this.#line.onkeydown = (event) => this.#key(event);
		this.#line.oninput = () => {
			this.#stopRound();
			this.#grow();
		};
		$('composer').onsubmit = (event) => {
			event.preventDefault();
			this.#send();
			this.focus();
		};
	}

	focus() {
		// Where a dialog has given the focus back, Chromium has lost the caret.
		this.#line.blur();
		this.#line.focus();
	}

	begin(text) {
		if (!this.#line.value.startsWith(text)) this.#set(text + this.#line.value);
		this.focus();
	}

	#set(text) {
		this.#line.value = text;
		this.#line.setSelectionRange(text.length, text.length);
		this.#grow();
	}

	#grow() {
		const style = this.#line.style;
		style.height = 'auto';
		style.height = `${Math.min(this.#line.scrollHeight + 2, ROWS_MAX_PX)}px`;
	}

	#key(event) {
		// Enter of an input method picks a word.
		if (event.isComposing || event.keyCode === 229) return;
		const plain = !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey;
		if (event.key === 'Enter' && plain) {
			event.preventDefault();
			this.#send();
		} else if (event.key === 'Tab' && plain) {
			if (this.#complete()) event.preventDefault();
		} else if (event.key in ARROWS && plain) {
			const by = ARROWS[event.key];
			if (this.#isAtEdge(by) && this.#recall(by)) event.preventDefault();
		} else if (event.key === 'Escape') {
			this.#stopRound();
			this.#on.escape();
		}
	}

	#send() {
		const text = this.#line.value;
		const { lines, why } = linesOf(text);
		if (why) return this.#say(why);
		if (!lines.length) return;
		const most = this.#on.lineBytes();
		const bytes = Math.max(...lines.map((line) => encoder.encode(line).length));
		if (bytes > most) return this.#say(`A line may have ${most} bytes; this one has ${bytes}.`);
		if (!this.#on.say(lines)) return this.#say('Too much waits to be sent already.');
		this.#note(hideKey(text));
		this.#stopRound();
		this.#set('');
	}

	#note(text) {
		if (this.#history.at(-1) !== text) this.#history.push(text);
		if (this.#history.length > HISTORY_MAX) this.#history.shift();
		this.#at = this.#history.length;
		this.#draft = '';
	}

	// Whether there is no other row in the direction of an arrow.
	#isAtEdge(by) {
		const { value, selectionStart: from, selectionEnd: to } = this.#line;
		return from === to && !(by < 0 ? value.slice(0, from) : value.slice(to)).includes('\n');
	}

	#recall(by) {
		const at = this.#at + by;
		if (at < 0 || at > this.#history.length) return false;
		if (this.#at === this.#history.length) this.#draft = this.#line.value;
		this.#at = at;
		this.#set(this.#history[at] ?? this.#draft);
		return true;
	}

	// Puts in the next completion; `false` if there is none, and Tab may go on.
	#complete() {
		const { value, selectionStart: caret } = this.#line;
		if (!this.#round) {
			const { start, words } = candidates(value.slice(0, caret), this.#on.names());
			if (!words.length) return false;
			this.#round = { start, words, at: -1 };
		}
		const round = this.#round;
		round.at = (round.at + 1) % round.words.length;
		const word = round.words[round.at];
		this.#line.setRangeText(word, round.start, caret, 'end');
		this.#grow();
		const others = [...round.words.slice(round.at + 1), ...round.words.slice(0, round.at)];
		const shown = others.slice(0, 6).map((other) => other.trim().replace(/:$/, '')).join('  ');
		this.#say(others.length ? `Tab: ${shown}` : '');
		return true;
	}

	#stopRound() {
		this.#round = null;
		this.#say('');
	}

	#say(text) {
		this.#hint.textContent = text;
	}
}
