// The list of who is here, in the order of the alphabet, kept from the room's events.

import { $, make } from './dom.js';
import { safe } from './links.js';
import { colour } from './names.js';

// More than so many are counted, not listed.
const LISTED_MAX = 1000;
const PAUSE_MS = 30;

const { compare } = new Intl.Collator(undefined, { numeric: true });

export class People {
	#list = $('names');
	#timer = 0;
	#room;

	// `write(name)` begins a line to one person alone.
	constructor(room, write) {
		this.#room = room;
		this.#list.onclick = ({ target }) => {
			const button = target.closest('button');
			if (button) write(button.dataset.name);
		};
	}

	update() {
		this.#timer ||= setTimeout(() => this.#show(), PAUSE_MS);
	}

	#show() {
		this.#timer = 0;
		const { people, me, count } = this.#room;
		const names = [...people.keys()].sort(compare).slice(0, LISTED_MAX);
		const focused = this.#list.contains(document.activeElement) && document.activeElement.dataset.name;
		this.#list.replaceChildren(...names.map((name) => item(name, people.get(name), name === me)));
		if (focused) this.#list.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
		$('count').textContent = count;
		const more = $('more');
		more.textContent = `and ${count - names.length} more`;
		more.hidden = count === names.length;
	}
}

function item(name, hue, isMe) {
	const words = make('bdi', 'name', safe(name));
	colour(words, hue);
	const whole = make(isMe ? 'span' : 'button', isMe ? 'self' : '');
	whole.append(words);
	if (isMe) {
		whole.append(' ', make('span', 'tag', 'you'));
	} else {
		whole.type = 'button';
		whole.dataset.name = name;
		whole.title = `Write to ${safe(name)} alone`;
	}
	const element = make('li', '');
	element.append(whole);
	return element;
}
