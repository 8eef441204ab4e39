/** The conversation: connection, timeline and unsent queue together. No rendering, no framework. */

import { Connection, type Socket, type Status } from "./connection";
import {
  parseFrame,
  type Attachment,
  type ChatMessage,
  type ClientFrame,
  type Content,
  type Owner,
  type Sender,
  type ServerFrame,
} from "./protocol";
import { Saved, type Session, type Unsent } from "./storage";
import { Timeline, type Entry } from "./timeline";

export interface ClientOptions {
  saved: Saved;
  open: () => Socket;
  /** Opens a session; a token that is still valid keeps its conversation. */
  createSession: (token: string | null) => Promise<Opened>;
  onChange: () => void;
  onMessage?: (message: ChatMessage) => void;
  newId?: () => string;
  now?: () => Date;
  random?: () => number;
}

/** What the server answers when a session is opened. */
export interface Opened {
  token: string;
  conversation: string;
}

export interface Ownership {
  owner: Owner;
  agent: string;
  queuePosition: number | null;
}

/** Codes with which the server says that the token no longer opens a conversation. */
const TOKEN_GONE = "session_expired";
/** Too fast: nothing is wrong with the message, it goes out again after a pause. */
const TOO_FAST = "rate_limited";
const TOO_FAST_PAUSE_MS = 2_000;
const ACK_MS = 12_000;
/** So often a message may stay without an answer before it is called failed and lets the next one pass. */
const MAX_TRIES = 4;
/** The history counts as complete after this time even if its last number never comes. */
const READY_MS = 4_000;
/** A session lives a week; one older than a day is renewed when the page opens. */
const RENEW_MS = 86_400_000;
/** The bot answers or apologises within ten seconds. */
const TYPING_SHOWN_MS = 10_000;
const TYPING_SENT_MS = 3_000;

export class ChatClient {
  readonly timeline = new Timeline();
  ownership: Ownership = { owner: "bot", agent: "", queuePosition: null };
  typing: Sender | null = null;
  /** False until the history is here. */
  ready = false;
  /** A message of the server that belongs to no bubble. */
  notice = "";

  private readonly connection: Connection<Session, ServerFrame, ClientFrame>;
  private readonly saved: Saved;
  private ackTimer: ReturnType<typeof setTimeout> | undefined;
  private typingTimer: ReturnType<typeof setTimeout> | undefined;
  private typingSent = 0;
  private expected = 0;
  private lastAnswer = 0;
  /** The one message on its way; the next follows its acknowledgement, so that order holds. */
  private inFlight: string | null = null;
  private pumpTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly tries = new Map<string, number>();
  private readyTimer: ReturnType<typeof setTimeout> | undefined;
  /** The token in use; another tab may have replaced the stored one. */
  private token = "";
  /** Unsent messages of other open tabs: shown here, sent by them (and by us after a reconnect). */
  private readonly foreign = new Set<string>();

  constructor(private readonly options: ClientOptions) {
    this.saved = options.saved;
    this.connection = new Connection<Session, ServerFrame, ClientFrame>({
      pass: () => this.session(),
      open: options.open,
      hello: ({ token }) => ({ type: "hello", token, after: this.timeline.after }),
      ping: { type: "ping" },
      parse: parseFrame,
      onFrame: (frame) => this.receive(frame),
      onStatus: () => this.statusChanged(),
      ...(options.random && { random: options.random }),
    });
    this.saved.unsent.forEach((unsent) => this.timeline.add(unsent));
  }

  get status(): Status {
    return this.connection.status;
  }

  get entries(): Entry[] {
    return this.timeline.entries(this.status === "online" || this.status === "connecting");
  }

  start(): void {
    this.connection.start();
  }

  stop(): void {
    clearTimeout(this.ackTimer);
    clearTimeout(this.typingTimer);
    clearTimeout(this.pumpTimer);
    clearTimeout(this.readyTimer);
    this.connection.stop();
  }

  retryNow(): void {
    this.connection.retryNow();
  }

  goOffline(): void {
    this.connection.goOffline();
  }

  /**
   * Shows a message at once and sends it now or when the connection is back.
   *
   * @param shown What its bubble says until the server's copy arrives.
   */
  send(content: Content, shown: string, files: Attachment[] = []): void {
    const now = this.options.now?.() ?? new Date();
    const unsent: Unsent = {
      id: this.options.newId?.() ?? newClientId(),
      content,
      shown,
      at: now.toISOString(),
      ...(files.length > 0 && { files }),
    };
    this.saved.keep(unsent);
    this.timeline.add(unsent);
    // The server takes the sign back with the message: the next letter is a new one.
    this.typingSent = 0;
    this.pump();
    this.options.onChange();
  }

  /** Sends a refused message again, under the same id: the ledger knows it at most once. */
  retry(id: string): void {
    const failed = this.timeline.unsent.find((unsent) => unsent.id === id);
    if (!failed) return;
    const again = { ...failed };
    delete again.refused;
    this.saved.keep(again);
    this.timeline.add(again);
    this.pump();
    this.options.onChange();
  }

  discard(id: string): void {
    this.saved.drop(id);
    this.timeline.remove(id);
    this.options.onChange();
  }

  /** Says whether an answer helped; without a connection nothing happens, so that the page shows only what was told. */
  vote(seq: number, helpful: boolean): void {
    if (!this.connection.send({ type: "vote", seq, helpful })) return;
    this.timeline.vote(seq, helpful);
    this.options.onChange();
  }

  /** Tells the other side, at most every three seconds, that the customer is writing. */
  sendTyping(): void {
    const now = Date.now();
    if (now - this.typingSent < TYPING_SENT_MS) return;
    if (this.connection.send({ type: "typing" })) this.typingSent = now;
  }

  /** Another tab has changed the unsent queue. */
  storageChanged(key: string | null): void {
    const id = Saved.unsentId(key);
    if (!id) return;
    const unsent = this.saved.unsent.find((item) => item.id === id);
    if (unsent) {
      if (!this.timeline.unsent.some((item) => item.id === id)) this.foreign.add(id);
      this.timeline.add(unsent);
    } else if (this.foreign.has(id)) {
      this.timeline.remove(id);
    }
    this.options.onChange();
  }

  private async session(): Promise<Session> {
    const session = await this.findSession();
    this.token = session.token;
    return session;
  }

  private async findSession(): Promise<Session> {
    const known = this.saved.session;
    const now = (this.options.now?.() ?? new Date()).getTime();
    if (known && now - known.opened < RENEW_MS) return known;
    try {
      const opened = await this.options.createSession(known?.token ?? null);
      // Another tab may have made a first one meanwhile: that one stays.
      if (!known && this.saved.session) return this.saved.session;
      if (known && known.conversation !== opened.conversation) this.forget();
      this.saved.session = { ...opened, opened: now };
      return { ...opened, opened: now };
    } catch (error) {
      if (known) return known;
      throw error;
    }
  }

  /** A new conversation begins: what is on screen goes, what was not sent stays. */
  private forget(): void {
    const unsent = this.timeline.unsent;
    this.ready = false;
    this.timeline.clear();
    this.lastAnswer = 0;
    this.saved.lastRead = 0;
    unsent.forEach((item) => this.timeline.add(item));
  }

  private statusChanged(): void {
    if (this.status !== "online") {
      this.showTyping(null);
      clearTimeout(this.ackTimer);
      if (this.status === "waiting" && this.inFlight !== null) this.countTry(this.inFlight);
      this.inFlight = null;
    }
    this.timeline.refresh();
    this.options.onChange();
  }

  private receive(frame: ServerFrame): void {
    switch (frame.type) {
      case "welcome":
        this.welcomed(frame);
        break;
      case "message":
        this.take(frame.message);
        break;
      case "ack":
        this.saved.drop(frame.id);
        this.timeline.acknowledge(frame.id, frame.seq);
        // The bot is at work from now on, whether or not the server gets to say so.
        if (this.ownership.owner === "bot" && frame.seq > this.lastAnswer) this.showTyping("bot");
        this.settled(frame.id);
        break;
      case "owner":
        this.ownership = frame;
        break;
      case "typing":
        this.showTyping(frame.from);
        break;
      case "error":
        this.refused(frame);
        break;
      case "pong":
        return;
    }
    this.ready ||= this.status === "online" && this.timeline.after >= this.expected;
    this.options.onChange();
  }

  private welcomed(frame: Ownership & { lastSeq: number }): void {
    this.ownership = frame;
    this.expected = frame.lastSeq;
    this.notice = "";
    if (frame.lastSeq < this.timeline.after) {
      // The ledger was put back, as a demo reset does: what is on screen is of another time.
      this.forget();
      this.connection.restart();
      return;
    }
    clearTimeout(this.readyTimer);
    this.readyTimer = setTimeout(() => {
      this.ready = true;
      this.options.onChange();
    }, READY_MS);
    this.foreign.clear();
    this.pump();
  }

  private take(message: ChatMessage): void {
    if (message.id) this.saved.drop(message.id);
    const isNew = this.timeline.receive(message);
    if (message.from !== "customer") {
      this.lastAnswer = Math.max(this.lastAnswer, message.seq);
      this.showTyping(null);
    }
    if (isNew) this.options.onMessage?.(message);
    if (message.id) this.settled(message.id);
  }

  /** Sends the oldest unsent message unless one is on its way. */
  private pump(): void {
    if (this.inFlight !== null || this.status !== "online") return;
    const next = this.timeline.unsent.find(
      (item) => item.refused === undefined && !this.foreign.has(item.id),
    );
    if (!next) return;
    this.inFlight = next.id;
    // A message that stays unanswered means a dead socket: reconnecting sends it again under its id.
    clearTimeout(this.ackTimer);
    this.ackTimer = setTimeout(() => this.connection.restart(), ACK_MS);
    this.connection.send({ type: "message", id: next.id, ...next.content });
  }

  private settled(id: string): void {
    if (this.inFlight !== id) return;
    clearTimeout(this.ackTimer);
    this.inFlight = null;
    this.pump();
  }

  private refused(frame: { code: string; message: string; id: string | null }): void {
    if (frame.code === TOKEN_GONE) {
      if (this.saved.session?.token === this.token) this.saved.session = null;
      this.forget();
      this.connection.restart();
      return;
    }
    const unsent = this.timeline.unsent.find((item) => item.id === frame.id);
    if (!unsent) {
      this.notice = frame.message;
      return;
    }
    if (frame.code === TOO_FAST) {
      clearTimeout(this.ackTimer);
      this.pumpTimer = setTimeout(() => {
        this.inFlight = null;
        this.pump();
      }, TOO_FAST_PAUSE_MS);
      return;
    }
    this.fail(unsent.id, frame.message || "消息没有发出去");
    this.settled(unsent.id);
  }

  private fail(id: string, reason: string): void {
    const unsent = this.timeline.unsent.find((item) => item.id === id);
    if (!unsent) return;
    const failed = { ...unsent, refused: reason };
    this.saved.keep(failed);
    this.timeline.add(failed);
  }

  private countTry(id: string): void {
    const tries = (this.tries.get(id) ?? 0) + 1;
    this.tries.set(id, tries % MAX_TRIES);
    if (tries === MAX_TRIES) this.fail(id, "多次没有送达，请重试");
  }

  private showTyping(from: Sender | null): void {
    clearTimeout(this.typingTimer);
    this.typing = from === "customer" ? null : from;
    if (!this.typing) return;
    this.typingTimer = setTimeout(() => {
      this.typing = null;
      this.options.onChange();
    }, TYPING_SHOWN_MS);
  }
}

/** A client message id; `randomUUID` exists only in secure contexts. */
export function newClientId(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
