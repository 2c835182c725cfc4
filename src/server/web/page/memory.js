// What this browser keeps (localStorage): the name, the two switches, and, only where the person has
// ticked it, a name's key and the room's password. Nothing that is said. A tab keeps by what the
// server knows it (sessionStorage), until it is closed or the room is left.

const PREFIX = 'chatroom.';
const VISIT = 'chatroom.visit';
const KEPT = ['name', 'sound', 'notify', 'key', 'key-of', 'password'];

export function recall(what) {
	try {
		return localStorage.getItem(PREFIX + what) ?? '';
	} catch {
		return '';
	}
}

export function remember(what, value) {
	try {
		if (value) localStorage.setItem(PREFIX + what, value);
		else localStorage.removeItem(PREFIX + what);
	} catch {
		// A browser that keeps nothing is asked again next time.
	}
}

export function recallKey(name) {
	return recall('key-of') === name ? recall('key') : '';
}

export function rememberKey(name, key) {
	remember('key-of', key && name);
	remember('key', key);
}

// The visit that this tab goes on with when it is loaded anew.
export function recallVisit() {
	try {
		return JSON.parse(sessionStorage.getItem(VISIT));
	} catch {
		return null;
	}
}

export function rememberVisit(visit) {
	try {
		sessionStorage.setItem(VISIT, JSON.stringify(visit));
	} catch {
		// As above.
	}
}

export function forget() {
	for (const what of KEPT) remember(what, '');
	rememberVisit(null);
}

// What is kept of a person, in words.
export function inWords() {
	const words = { name: 'your name', key: 'its key', password: 'the room’s password' };
	const kept = Object.keys(words).filter(recall).map((what) => words[what]);
	return `This browser remembers ${kept.join(', ') || 'nothing'}.`;
}
