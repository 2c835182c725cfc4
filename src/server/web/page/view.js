// The talk on the screen: lines, marks between them, and where one has scrolled to.

import { $, make } from './dom.js';
import { fill, safe } from './links.js';
import { colour } from './names.js';

// Lines stand in blocks that the browser lays out only while they are seen. Older ones are let go.
const BLOCK_LINES = 100;
const LINES_MAX = 10_000;
// While one reads further up nothing goes away under one's eyes, up to this.
const LINES_MAX_SCROLLED = 12_000;
const FOLLOWS_MS = 5 * 60_000;
const NEAR_PX = 40;
const WAITING_SHOWN = 50;
const FRAME_MS = 16;

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

export class View {
	#scroll = $('scroll');
	#log = $('log');
	#button = $('new-lines');
	#empty = $('empty');
	#waiting = $('waiting');
	#queue = [];
	#timer = 0;
	#block = null;
	#count = 0;
	#below = 0;
	#sticks = true;
	#day = '';
	#last = null;
	#mark = null;

	constructor() {
		this.#scroll.onscroll = () => this.#noteScroll();
		this.#button.onclick = () => this.toEnd();
		// The keyboard of a phone, another zoom, a higher composer: the end stays in view.
		const resized = new ResizeObserver(() => this.#sticks && this.#pin());
		resized.observe(this.#scroll);
		resized.observe(this.#log);
	}

	// Shows a line; `isUnread` if the person looks elsewhere.
	add(line, isUnread = false) {
		this.#queue.push({ line, isUnread });
		this.#timer ||= setTimeout(() => this.#flush(), FRAME_MS);
	}

	// The person has seen everything.
	setRead() {
		this.#mark?.classList.add('read');
	}

	toEnd() {
		this.#sticks = true;
		this.#pin();
		this.#noteScroll();
	}

	// Says that nothing was said, where that is so.
	showEmpty() {
		this.#empty.hidden = this.#count > 0 || this.#queue.length > 0;
	}

	// Shows the lines that wait for the server.
	showWaiting(lines) {
		const rows = lines.slice(0, WAITING_SHOWN).map(({ text }) => {
			const row = make('div', 'line waiting');
			const words = make('div', 'text', hideKey(safe(text)));
			words.dir = 'auto';
			row.append(make('span', 'time', '…'), make('span', 'who', 'waiting'), words);
			return row;
		});
		const more = lines.length - rows.length;
		if (more) rows.push(make('p', 'mark', `${more} more wait`));
		this.#waiting.replaceChildren(...rows);
		this.#waiting.hidden = rows.length === 0;
		if (this.#sticks) this.#pin();
	}

	#noteScroll() {
		const { scrollHeight, scrollTop, clientHeight } = this.#scroll;
		this.#sticks = scrollHeight - scrollTop - clientHeight < NEAR_PX;
		if (this.#sticks) this.#below = 0;
		this.#button.hidden = this.#below === 0;
	}

	#pin() {
		this.#scroll.scrollTop = this.#scroll.scrollHeight;
	}

	#flush() {
		this.#timer = 0;
		const queue = this.#queue;
		this.#queue = [];
		this.#empty.hidden = true;
		for (const { line, isUnread } of queue.slice(-LINES_MAX)) this.#put(line, isUnread);
		this.#trim();
		if (this.#sticks) return this.#pin();
		this.#below += queue.length;
		this.#button.textContent = this.#below === 1 ? '1 new line' : `${this.#below} new lines`;
		this.#button.hidden = false;
	}

	#put(line, isUnread) {
		const at = new Date(line.time);
		const day = calendar.format(at);
		if (day !== this.#day) {
			this.#append(make('p', 'mark day', day));
			this.#day = day;
			this.#last = null;
		}
		if (isUnread && (!this.#mark || this.#mark.classList.contains('read'))) {
			this.#mark?.remove();
			this.#mark = this.#append(make('p', 'mark unread', 'New'));
			this.#last = null;
		}
		if (line.kind === 'mark') {
			this.#last = null;
			return this.#append(make('p', 'mark', line.text));
		}
		const follows = this.#last && line.name === this.#last.name && line.kind === 'said' &&
			line.time - this.#last.time < FOLLOWS_MS;
		this.#append(row(line, at, follows));
		this.#last = line.kind === 'said' ? line : null;
	}

	#append(element) {
		if (!this.#block || this.#block.childElementCount >= BLOCK_LINES) {
			this.#block = make('div', 'block');
			this.#log.append(this.#block);
		}
		this.#block.append(element);
		this.#count += 1;
		return element;
	}

	#trim() {
		const most = this.#sticks ? LINES_MAX : LINES_MAX_SCROLLED;
		while (this.#count > most && this.#log.firstChild !== this.#block) {
			this.#count -= this.#log.firstChild.childElementCount;
			this.#log.firstChild.remove();
		}
	}
}

function row(line, at, follows) {
	const { kind, isOwn, isCall, isOld, tag } = line;
	const flags = [isOwn && 'own', isCall && 'call', isOld && 'old', follows && 'follows'];
	const element = make('div', ['line', kind, ...flags.filter(Boolean)].join(' '));
	const time = make('time', 'time', clock.format(at));
	time.dateTime = at.toISOString();
	time.title = at.toLocaleString();
	const who = make('span', 'who');
	const words = make('div', 'text');
	words.dir = 'auto';
	if (line.name) {
		const name = make('bdi', 'name', safe(line.name));
		colour(name, line.hue);
		if (kind === 'me') words.append(name, ' ');
		else who.append(name);
		if (tag) who.append(' ', make('span', 'tag', safe(tag)));
		if (kind !== 'me') who.append(make('span', 'unseen', ': '));
	}
	const text = safe(line.text ?? '');
	if (kind === 'notice' && text.includes('\n')) words.classList.add('table');
	fill(words, text, line.mention);
	element.append(time, who, words);
	return element;
}

// Of `/nick NAME KEY` the key is nothing to be seen or kept.
export function hideKey(text) {
	return text.replace(/^(\s*\/nick\s+\S+)\s+\S[^]*$/iu, '$1');
}
