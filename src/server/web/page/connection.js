// The way to the server: one WebSocket, and after it is lost the next. Knows nothing of what is said.

const PAUSE_FIRST_MS = 1000;
const PAUSE_MAX_MS = 30_000;
// How long a socket may take to open, and a server that is suspected to be gone to answer.
const OPEN_MS = 15_000;
const ANSWER_MS = 8000;
const TICK_MS = 1000;

export class Connection {
	#dial;
	#on;
	#socket = null;
	#timer = 0;
	#pause = PAUSE_FIRST_MS;
	#wanted = false;
	#heardAt = 0;
	#suspectedAt = 0;
	#tickedAt = Date.now();

	// `dial()` makes a WebSocket; `on` has `opened()`, `heard(text)`, `lost()`, `probe()` and
	// `state(state, retryAt)`.
	constructor(dial, on) {
		this.#dial = dial;
		this.#on = on;
		setInterval(() => this.#tick(), TICK_MS);
		addEventListener('online', () => this.#wake());
		addEventListener('offline', () => this.#suspect());
		// A page that is left may be kept, but is not in the room.
		addEventListener('pagehide', () => this.#drop());
		addEventListener('pageshow', () => this.#wake());
		document.addEventListener('visibilitychange', () => document.hidden || this.#wake());
	}

	open() {
		this.#wanted = true;
		this.#pause = PAUSE_FIRST_MS;
		this.#connect();
	}

	// Ends it for good, until `open`.
	close() {
		this.#wanted = false;
		this.#drop();
		this.#on.state('off');
	}

	// The server has let us in.
	settled() {
		this.#pause = PAUSE_FIRST_MS;
		this.#on.state('on');
	}

	get #isOpen() {
		return this.#socket?.readyState === WebSocket.OPEN;
	}

	send(text) {
		if (this.#isOpen) this.#socket.send(text);
	}

	// A line waits for its answer: silence from now on means that the server is gone.
	expectAnswer() {
		if (this.#suspectedAt <= this.#heardAt) this.#suspectedAt = Date.now();
	}

	#connect() {
		this.#drop();
		this.#on.state('opening');
		const socket = this.#dial();
		this.#socket = socket;
		this.#timer = setTimeout(() => this.#lose(), OPEN_MS);
		socket.onopen = () => {
			clearTimeout(this.#timer);
			this.#heardAt = Date.now();
			this.#on.opened();
		};
		socket.onmessage = ({ data }) => {
			this.#heardAt = Date.now();
			this.#on.heard(data);
		};
		socket.onclose = () => this.#lose();
	}

	#drop() {
		clearTimeout(this.#timer);
		const socket = this.#socket;
		this.#socket = null;
		this.#suspectedAt = 0;
		if (!socket) return;
		socket.onopen = socket.onmessage = socket.onclose = null;
		socket.close();
	}

	#lose() {
		this.#drop();
		this.#on.lost();
		if (!this.#wanted) return;
		// Not all come back in the same moment.
		const pause = this.#pause * (0.75 + Math.random() / 2);
		this.#pause = Math.min(this.#pause * 2, PAUSE_MAX_MS);
		this.#timer = setTimeout(() => this.#connect(), pause);
		this.#on.state('waiting', Date.now() + pause);
	}

	// The network or the machine is back: does the server still hear us?
	#wake() {
		if (!this.#wanted) return;
		if (!this.#socket) this.open();
		else this.#suspect();
	}

	#suspect() {
		if (!this.#isOpen) return;
		this.#on.probe();
		this.expectAnswer();
	}

	#tick() {
		const now = Date.now();
		const slept = now - this.#tickedAt > 30 * TICK_MS && !document.hidden;
		this.#tickedAt = now;
		if (slept) return this.#wake();
		const silent = this.#suspectedAt > this.#heardAt && now - this.#suspectedAt > ANSWER_MS;
		if (this.#isOpen && silent) this.#lose();
	}
}
