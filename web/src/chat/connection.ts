/** The socket's life: open, greet, stay alive, come back with growing pauses. Knows nothing of messages. */

export type Status = "connecting" | "online" | "waiting" | "offline" | "refused";

/** The part of WebSocket that is used. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  send(data: string): void;
  close(): void;
}

/** `P` is what opens a socket, `In` and `Out` are the frames. */
export interface ConnectionOptions<P, In extends { type: string }, Out> {
  /** Gives the pass, getting one where needed. Rejects with `SessionRefused` when trying again is of no use. */
  pass: () => Promise<P>;
  open: (pass: P) => Socket;
  hello: (pass: P) => Out;
  ping: Out;
  /** Null for anything that is not a known frame. */
  parse: (data: unknown) => In | null;
  onFrame: (frame: In) => void;
  onStatus: (status: Status) => void;
  /** Chance in [0, 1), replaced in tests. */
  random?: () => number;
}

/** The server will not let this page in (for example from an origin that is not on its list). */
export class SessionRefused extends Error {}

const PAUSES_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000];
const PING_MS = 25_000;
const SILENCE_MS = 10_000;
const GREETING_MS = 10_000;

type Timer = "retry" | "ping" | "silence";

export class Connection<P, In extends { type: string }, Out> {
  private socket: Socket | null = null;
  private tries = 0;
  private generation = 0;
  private stopped = true;
  private current: Status = "connecting";
  private readonly timers = new Map<Timer, ReturnType<typeof setTimeout>>();

  constructor(private readonly options: ConnectionOptions<P, In, Out>) {}

  get status(): Status {
    return this.current;
  }

  start(): void {
    this.stopped = false;
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.discard();
  }

  /** Sends when online. Returns whether the socket took the frame. */
  send(frame: Out): boolean {
    if (this.current !== "online" || !this.socket) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** Tries at once, e.g. when the browser is back online, the page is shown again or the customer asks. */
  retryNow(): void {
    if (this.stopped || this.current === "online" || this.current === "connecting") return;
    this.tries = 0;
    void this.connect();
  }

  /** The browser says that there is no network. */
  goOffline(): void {
    if (this.stopped) return;
    this.discard();
    this.set("offline");
  }

  /** Comes back at once on a new socket, e.g. after the whole state was fetched anew. */
  renew(): void {
    if (!this.stopped) void this.connect();
  }

  /** Drops the socket and comes back after a pause, e.g. when an answer is overdue. */
  restart(): void {
    if (this.stopped) return;
    this.discard();
    this.pause();
  }

  private async connect(): Promise<void> {
    this.discard();
    const generation = this.generation;
    this.set("connecting");
    let pass: P;
    try {
      pass = await this.options.pass();
    } catch (error) {
      if (generation !== this.generation) return;
      if (error instanceof SessionRefused) this.set("refused");
      else this.pause();
      return;
    }
    if (generation === this.generation && !this.stopped) this.greet(pass);
  }

  private greet(pass: P): void {
    const socket = this.options.open(pass);
    this.socket = socket;
    this.watchSilence(GREETING_MS);
    socket.onopen = () => socket.send(JSON.stringify(this.options.hello(pass)));
    socket.onmessage = (event) => this.receive(event.data);
    socket.onclose = () => {
      if (this.socket === socket) this.restart();
    };
  }

  private receive(data: unknown): void {
    this.clear("silence");
    const frame = this.options.parse(data);
    if (!frame) return;
    if (frame.type === "welcome") {
      this.tries = 0;
      this.set("online");
    }
    this.schedulePing();
    this.options.onFrame(frame);
  }

  private schedulePing(): void {
    this.clear("ping");
    if (this.current !== "online") return;
    this.after("ping", PING_MS, () => {
      this.send(this.options.ping);
      this.watchSilence(SILENCE_MS);
    });
  }

  /** Anything that arrives in time counts as a sign of life. */
  private watchSilence(ms: number): void {
    this.clear("silence");
    this.after("silence", ms, () => this.restart());
  }

  private pause(): void {
    const base = PAUSES_MS[Math.min(this.tries, PAUSES_MS.length - 1)] ?? 15_000;
    const random = this.options.random ?? Math.random;
    this.tries += 1;
    this.set("waiting");
    this.after("retry", base * (0.5 + random() / 2), () => void this.connect());
  }

  private discard(): void {
    this.generation += 1;
    this.clear("retry", "ping", "silence");
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private after(name: Timer, ms: number, run: () => void): void {
    this.clear(name);
    this.timers.set(name, setTimeout(run, ms));
  }

  private clear(...names: Timer[]): void {
    for (const name of names) clearTimeout(this.timers.get(name));
  }

  private set(status: Status): void {
    if (status === this.current) return;
    this.current = status;
    this.options.onStatus(status);
  }
}
