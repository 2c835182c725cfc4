// The door, where one says who one is; the menu; and the card with the key of one's name.

import { $ } from './dom.js';
import { safe } from './links.js';
import { forget, inWords, recall, recallKey, remember, rememberKey } from './memory.js';

// The door: asks for a name, and for a key or a password where the server asks for it.
export class Door {
	#asks = {};
	#isOpen = false;

	// `enter({name, key, password})` tries to come in.
	constructor(enter) {
		// There is no way round, in browsers that don't know `closedby`, too.
		$('door').onclose = () => this.#isOpen && $('door').showModal();
		$('door-form').onsubmit = (event) => {
			event.preventDefault();
			// As on a terminal, a kept name may be given with its key.
			const [name, key] = $('name').value.trim().split(/\s+/);
			if (name) enter(this.#answer(name, key));
		};
	}

	// Opens, asking for `what` besides what it asked for before; says `why`.
	open(what, name, why) {
		this.#asks[what] = true;
		this.#isOpen = true;
		$('key-part').hidden = !this.#asks.key;
		$('password-part').hidden = !this.#asks.password;
		$('door-why').textContent = safe(why);
		$('door-why').hidden = !why;
		$('name').value = name;
		if (!$('door').open) $('door').showModal();
		$(what).focus();
		$(what).select();
	}

	close() {
		this.#asks = {};
		this.#isOpen = false;
		$('key').value = $('password').value = '';
		$('door').close();
	}

	#answer(name, key) {
		const who = { name, key: key ?? recallKey(name), password: recall('password') };
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

// `on` has `me()`, `changeName()`, `keepName()` and `leave()`.
export function wireMenu(on) {
	const menu = $('menu');
	const close = () => menu.close();
	$('menu-button').onclick = () => {
		$('me').textContent = safe(on.me());
		$('remembered').textContent = inWords();
		menu.showModal();
	};
	$('menu-close').onclick = close;
	menu.onclick = ({ target }) => {
		if (target === menu) close();
	};
	const acts = { 'change-name': on.changeName, 'keep-name': on.keepName, leave: on.leave };
	for (const [id, act] of Object.entries(acts)) {
		$(id).onclick = () => {
			close();
			act();
		};
	}
	$('forget').onclick = () => {
		forget();
		$('remembered').textContent = inWords();
	};
}

// Shows the key of a name, this once; then calls `done`.
export function showKey({ name, key }, done) {
	const [card, words] = [$('kept'), $('kept-key')];
	$('kept-name').textContent = safe(name);
	words.textContent = key;
	$('kept-remember').checked = false;
	$('kept-close').onclick = () => card.close();
	card.onclose = () => {
		if ($('kept-remember').checked) rememberKey(name, key);
		words.textContent = '';
		done();
	};
	card.showModal();
}
