// The colours of names, the same on every visit.

const HUES = 24;

// The hue of a name, in degrees; the lightness that goes with it is the style sheet's.
export function hueOf(name) {
	let hash = 2166136261;
	for (const character of name.toLocaleLowerCase('en')) {
		hash = Math.imul(hash ^ character.codePointAt(0), 16777619);
	}
	hash ^= hash >>> 15;
	return ((hash >>> 0) % HUES) * (360 / HUES);
}

export function colour(element, hue) {
	element.style.setProperty('--hue', hue);
}

// A pattern that finds `name` in a text as a word of its own.
export function mentionOf(name) {
	const escaped = name.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
	return new RegExp(`(?<![\\p{L}\\p{N}\\p{M}_])${escaped}(?![\\p{L}\\p{N}\\p{M}_])`, 'giu');
}
