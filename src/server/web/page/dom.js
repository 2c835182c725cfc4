// Two words for what every part does with the document. Text goes in as text, nowhere as markup.

export const $ = (id) => document.getElementById(id);

export function make(tag, className, text) {
	const element = document.createElement(tag);
	element.className = className;
	if (text) element.textContent = text;
	return element;
}
