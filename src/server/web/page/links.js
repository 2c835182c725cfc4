// What of a text is more than text: web addresses, and one's own name. The rest stays text whatever
// it looks like: nothing here or elsewhere in the page makes markup of it.

import { make } from './dom.js';

const ADDRESS = /\bhttps?:\/\/[^\s<>"`\p{Cc}]+/giu;
const ADDRESS_MAX = 2048;
const PAIRS = { ')': '(', ']': '[', '}': '{' };
// What could move or turn letters about; the server lets none of it through.
const UNSAFE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

export function safe(text) {
	return String(text).replace(UNSAFE, '\ufffd');
}

const count = (text, character) => text.split(character).length - 1;

// Leaves out what belongs to the sentence around an address.
function trimmed(address) {
	for (;;) {
		const last = address.at(-1);
		const open = PAIRS[last];
		const isStray = open ? count(address, last) > count(address, open) : /[.,;:!?'…»”’*_~|،؛؟]/u.test(last);
		if (!isStray) return address;
		address = address.slice(0, -1);
	}
}

// The address to go to; none if it isn't one of the web.
function target(address) {
	if (address.length > ADDRESS_MAX || !URL.canParse(address)) return null;
	const url = new URL(address);
	return /^https?:$/.test(url.protocol) && url.hostname ? url.href : null;
}

function link(address, href) {
	const rel = 'noopener noreferrer';
	return Object.assign(make('a', '', address), { href, title: href, target: '_blank', rel, dir: 'ltr' });
}

function marked(text, mention, into) {
	let from = 0;
	for (const { 0: word, index } of mention ? text.matchAll(mention) : []) {
		into.append(text.slice(from, index), make('mark', '', word));
		from = index + word.length;
	}
	into.append(text.slice(from));
}

// Puts a text into an element, with its links and, where there is a pattern for it, one's name marked.
export function fill(element, text, mention = null) {
	let from = 0;
	for (const { 0: found, index } of text.matchAll(ADDRESS)) {
		const address = trimmed(found);
		const href = target(address);
		if (!href) continue;
		marked(text.slice(from, index), mention, element);
		element.append(link(address, href));
		from = index + address.length;
	}
	marked(text.slice(from), mention, element);
}
