// The door, where one says who one is; the menu; and the card with the key of one's name.

import { safe } from './links.js';
import { forget, inWords, recall, recallKey, remember, rememberKey } from './memory.js';

const $ = (id) => document.getElementById(id);

// The door: asks for a name, and for a key or a password where the server asks for it.
export class Door {
	#asks = { key: false, password: false };

	// `enter({name, key, password})` tries to come in.
	constructor(enter) {
		$('door').addEventListener('cancel', (event) => event.preventDefault());
		$('door-form').addEventListener('submit', (event) => {
			event.preventDefault();
			// As on a terminal, a kept name may be given with its key.
			const [name, key = ''] = $('name').value.trim().split(/\s+/);
			if (!name) return;
			enter(this.#answer(name, key));
		});
	}

	// Opens, asking for `what` besides what it asked for before; says `why`.
	open(what, name, why) {
		if (what in this.#asks) this.#asks[what] = true;
		$('key-part').hidden = !this.#asks.key;
		$('password-part').hidden = !this.#asks.password;
		$('door-why').textContent = safe(why);
		$('door-why').hidden = !why;
		$('name').value = name;
		if (!$('door').open) $('door').showModal();
		const field = $(what);
		field.focus();
		field.select();
	}

	close() {
		$('key').value = $('password').value = '';
		$('door').close();
		this.#asks = { key: false, password: false };
	}

	#answer(name, key) {
		const who = { name, key: key || recallKey(name), password: recall('password') };
		if (this.#asks.key && $('key').value) {
			who.key = $('key').value.trim();
			who.remembersKey = $('remember-key').checked;
		}
		if (this.#asks.password) {
			who.password = $('password').value;
			who.remembersPassword = $('remember-password').checked;
		}
		return who;
	}
}

// Keeps in this browser what the person ticked, once the server has taken it.
export function keepTicked({ name, key, password, remembersKey, remembersPassword }) {
	remember('name', name);
	if (remembersKey) rememberKey(name, key);
	if (remembersPassword) remember('password', password);
}

export class Menu {
	// `on` has `changeName()`, `keepName()` and `leave()`.
	constructor(on) {
		const close = () => $('menu').close();
		$('menu-close').addEventListener('click', close);
		for (const [id, act] of [['change-name', on.changeName], ['keep-name', on.keepName], ['leave', on.leave]]) {
			$(id).addEventListener('click', () => {
				close();
				act();
			});
		}
		$('forget').addEventListener('click', () => {
			forget();
			$('remembered').textContent = inWords();
		});
		$('menu').addEventListener('click', ({ target }) => target === $('menu') && close());
	}

	open(me) {
		$('me').textContent = safe(me);
		$('remembered').textContent = inWords();
		$('menu').showModal();
	}
}

// Shows the key of a name, this once.
export function showKey({ name, key }) {
	$('kept-name').textContent = safe(name);
	$('kept-key').textContent = key;
	$('kept-remember').checked = false;
	$('kept').showModal();
}

export function wireKeyCard(done) {
	const [card, key] = [$('kept'), $('kept-key')];
	$('kept-close').addEventListener('click', () => card.close());
	$('kept-copy').addEventListener('click', () => {
		getSelection().selectAllChildren(key);
		document.execCommand('copy');
	});
	card.addEventListener('close', () => {
		if ($('kept-remember').checked) rememberKey($('kept-name').textContent, key.textContent);
		key.textContent = '';
		done();
	});
}
