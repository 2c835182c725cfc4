// What Tab puts in the place of the word before the caret. Pure.

export const COMMANDS = [
	'/who', '/me', '/msg', '/r', '/nick', '/keep', '/newkey', '/unkeep', '/ignore', '/unignore',
	'/ignored', '/whois', '/whoami', '/topic', '/motd', '/quit', '/help',
];
const TO_ONE = /^\/(msg|whois|ignore|unignore|kick|ban|mute|unmute|op|deop)\s+$/i;

// Where the word at the end of `before` starts, and what it can become; `names` as they should come.
export function candidates(before, names) {
	const row = before.slice(before.lastIndexOf('\n') + 1);
	const word = /\S*$/u.exec(row)[0];
	const start = before.length - word.length;
	const ahead = row.slice(0, row.length - word.length);
	if (!ahead && word.startsWith('/')) {
		const found = COMMANDS.filter((command) => command.startsWith(word.toLowerCase()));
		return { start, words: found.map((command) => `${command} `) };
	}
	const at = word.startsWith('@') ? '@' : '';
	const part = word.slice(at.length).toLowerCase();
	// Without a word Tab goes on to the next control.
	if (!word && !TO_ONE.test(ahead)) return { start, words: [] };
	const ending = !ahead && !at ? ': ' : ' ';
	const found = names.filter((name) => name.toLowerCase().startsWith(part));
	return { start, words: found.map((name) => at + name + ending) };
}
