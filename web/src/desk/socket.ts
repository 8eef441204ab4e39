/** The desk's live line: state first, then every event after it, again and again over new sockets. No framework. */

import { Connection, SessionRefused, type Socket, type Status } from "../chat/connection";
import { parseFrame, type Incoming, type Outgoing } from "./frames";
import { apply, type DeskState } from "./store";

export interface LineOptions {
  /** The whole state, fetched anew. */
  fetchState: () => Promise<DeskState>;
  /** A one-use ticket for a socket. */
  fetchTicket: () => Promise<string>;
  open: (ticket: string) => Socket;
  onState: (state: DeskState) => void;
  /** Everything but events: messages, presence, and `welcome` once the line is live again. */
  onFrame: (frame: Exclude<Incoming, { type: "event" }>) => void;
  onStatus: (status: Status, since: number) => void;
  now?: () => number;
  random?: () => number;
}

export class Line {
  private readonly connection: Connection<string, Incoming, Outgoing>;
  private state: DeskState | null = null;

  constructor(private readonly options: LineOptions) {
    this.connection = new Connection<string, Incoming, Outgoing>({
      pass: () => this.pass(),
      open: options.open,
      hello: () => ({ type: "hello", after: this.state?.event ?? 0 }),
      ping: { type: "ping" },
      parse: parseFrame,
      onFrame: (frame) => this.receive(frame),
      onStatus: (status) => options.onStatus(status, (options.now ?? Date.now)()),
      ...(options.random && { random: options.random }),
    });
  }

  start(): void {
    this.connection.start();
  }

  stop(): void {
    this.connection.stop();
    this.state = null;
  }

  retryNow(): void {
    this.connection.retryNow();
  }

  goOffline(): void {
    this.connection.goOffline();
  }

  /** Returns whether the line was there to take it. */
  send(frame: Outgoing): boolean {
    return this.connection.send(frame);
  }

  private async pass(): Promise<string> {
    if (!this.state) {
      this.state = await this.options.fetchState();
      this.options.onState(this.state);
    }
    return this.options.fetchTicket();
  }

  private receive(frame: Incoming): void {
    if (frame.type === "event") {
      if (!this.state) return;
      const next = apply(this.state, frame.event);
      if (next === this.state) return;
      this.state = next;
      this.options.onState(next);
      return;
    }
    if (frame.type === "resync") {
      // Too much has happened meanwhile: what is known is dropped, everything comes fresh.
      this.state = null;
      this.connection.renew();
      return;
    }
    this.options.onFrame(frame);
  }
}

export { SessionRefused };
