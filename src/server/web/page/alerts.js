// What calls somebody who looks elsewhere: the title, and, only when switched on, a sound and a
// notification.

import { $ } from './dom.js';
import { safe } from './links.js';
import { recall, remember } from './memory.js';

const TITLE = document.title;
const NOTE_CHARACTERS = 200;

export class Alerts {
	#unread = 0;
	#isCalled = false;
	#audio = null;
	#sound = $('sound');
	#notify = $('notify');
	#onRead;

	// `onRead()` is called when the person looks here again.
	constructor(onRead) {
		this.#onRead = onRead;
		this.#sound.checked = recall('sound') === 'on';
		const may = globalThis.Notification?.permission;
		this.#notify.checked = recall('notify') === 'on' && may === 'granted';
		this.#notify.disabled = !isSecureContext || !may;
		if (this.#notify.disabled) this.#tellWhy('Notifications need https, or a page on this machine.');
		this.#sound.onchange = () => {
			remember('sound', this.#sound.checked && 'on');
			if (this.#sound.checked) this.#beep();
		};
		this.#notify.onchange = () => this.#switch();
		for (const event of ['focus', 'pointerdown', 'keydown']) addEventListener(event, () => this.#look());
		document.addEventListener('visibilitychange', () => this.#look());
	}

	get isLooking() {
		return !document.hidden && document.hasFocus();
	}

	// Counts a line that somebody said; `isCall` if it is meant for this person.
	heard(line) {
		if (!this.isLooking) {
			this.#unread += 1;
			this.#isCalled ||= line.isCall;
			this.#showCount();
		}
		if (!line.isCall) return;
		if (this.#sound.checked) this.#beep();
		if (this.#notify.checked && !this.isLooking) this.#pop(line);
	}

	#look() {
		if (!this.isLooking) return;
		this.#unread = 0;
		this.#isCalled = false;
		this.#showCount();
		this.#onRead();
	}

	#showCount() {
		const count = `(${this.#unread}${this.#isCalled ? '!' : ''}) `;
		document.title = (this.#unread ? count : '') + TITLE;
	}

	async #switch() {
		let is = this.#notify.checked;
		if (is && (await Notification.requestPermission()) !== 'granted') {
			is = this.#notify.checked = false;
			this.#tellWhy('The browser does not let this page show notifications.');
		}
		remember('notify', is && 'on');
	}

	#tellWhy(text) {
		$('notify-why').textContent = text;
		$('notify-why').hidden = false;
	}

	#pop({ name, text }) {
		try {
			const body = safe(text).slice(0, NOTE_CHARACTERS);
			const note = new Notification(safe(name), { body, tag: 'chatroom' });
			note.onclick = () => {
				focus();
				note.close();
			};
		} catch {
			// Some phones show them for installed pages alone.
		}
	}

	// Two soft tones; the browser plays none before the page was touched.
	#beep() {
		this.#audio ??= new AudioContext();
		const audio = this.#audio;
		[[880, 0], [1174.7, 0.12]].forEach(([frequency, after]) => {
			const tone = new OscillatorNode(audio, { frequency });
			const volume = new GainNode(audio, { gain: 0 });
			const at = audio.currentTime + after;
			volume.gain.linearRampToValueAtTime(0.12, at + 0.01);
			volume.gain.exponentialRampToValueAtTime(0.001, at + 0.25);
			tone.connect(volume).connect(audio.destination);
			tone.start(at);
			tone.stop(at + 0.26);
		});
	}
}
