// The list of who is here, in the order of the alphabet, kept from the room's events.

import { safe } from './links.js';
import { colour } from './names.js';
import { make } from './view.js';

// More than so many are counted, not listed.
const LISTED_MAX = 1000;

const order = new Intl.Collator(undefined, { sensitivity: 'base', numeric: true });
const compare = (a, b) => order.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);

export class People {
	#list = document.getElementById('names');
	#more = document.getElementById('more');
	#count = document.getElementById('count');
	#items = new Map();
	#timer = 0;
	#room;

	// `write(name)` begins a line to one person alone.
	constructor(room, write) {
		this.#room = room;
		this.#list.addEventListener('click', ({ target }) => {
			const item = target.closest('button');
			if (item) write(item.dataset.name);
		});
	}

	update() {
		this.#timer ||= setTimeout(() => this.#show(), 30);
	}

	#show() {
		this.#timer = 0;
		const { people, me, count } = this.#room;
		const names = [...people.keys()].sort(compare).slice(0, LISTED_MAX);
		const listed = new Set(names);
		for (const [name, item] of this.#items) {
			if (listed.has(name) && item.isMe === (name === me)) continue;
			item.element.remove();
			this.#items.delete(name);
		}
		let next = this.#list.firstChild;
		for (const name of names) {
			const known = this.#items.get(name);
			if (known && known.element === next) next = next.nextSibling;
			else this.#list.insertBefore(known?.element ?? this.#make(name, people.get(name), name === me), next);
		}
		this.#count.textContent = count;
		this.#more.textContent = `and ${count - names.length} more`;
		this.#more.hidden = count === names.length;
	}

	#make(name, hue, isMe) {
		const element = make('li');
		const words = make('bdi', 'name', safe(name));
		colour(words, hue);
		if (isMe) {
			const own = make('span', 'self');
			own.append(words, ' ', make('span', 'tag', 'you'));
			element.append(own);
		} else {
			const button = make('button');
			button.type = 'button';
			button.dataset.name = name;
			button.title = `Write to ${safe(name)} alone`;
			button.append(words);
			element.append(button);
		}
		this.#items.set(name, { element, isMe });
		return element;
	}
}
