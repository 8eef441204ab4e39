/** The desk's REST interface: one place for the token against forged requests, for errors and for what they mean. */

import { endpoint } from "../chat/api";
import { record, text, type Json } from "../chat/guards";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly detail: Json = {},
  ) {
    super(message);
  }

  /** Whether the same request may succeed later. */
  get again(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** What to say about an error. */
export function wordsOf(error: unknown): string {
  return error instanceof ApiError ? error.message : "没有成功，请重试";
}

const NO_ANSWER = "网络不通，请稍后再试";
const TIMEOUT_MS = 15_000;

type Query = Record<string, string | number | null | undefined>;

export class Api {
  csrf = "";
  /** The login is over (401) or locked (423). */
  onLoggedOut: (() => void) | null = null;
  onLocked: (() => void) | null = null;

  get<T>(path: string, query: Query = {}): Promise<T> {
    const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
    const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    return this.call<T>("GET", search ? `${path}?${search}` : path);
  }

  post<T = unknown>(path: string, body: object = {}): Promise<T> {
    return this.call<T>("POST", path, body);
  }

  put<T = unknown>(path: string, body: object): Promise<T> {
    return this.call<T>("PUT", path, body);
  }

  patch<T = unknown>(path: string, body: object): Promise<T> {
    return this.call<T>("PATCH", path, body);
  }

  delete<T = unknown>(path: string): Promise<T> {
    return this.call<T>("DELETE", path);
  }

  url(path: string): string {
    return endpoint(`api/desk/v1/${path}`);
  }

  get headers(): Record<string, string> {
    return { "X-CSRF-Token": this.csrf };
  }

  private async call<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await this.fetch(method, path, body);
    const said: unknown = answer.status === 204 ? null : await answer.json().catch(() => null);
    if (answer.ok) return said as T;
    const error = record(record(said)?.error);
    const code = text(error?.code);
    // A wrong password answers 401 too: only a request with a login can lose it.
    if (answer.status === 401 && path !== "login" && path !== "unlock") this.onLoggedOut?.();
    if (answer.status === 423 && code === "desk_locked") this.onLocked?.();
    const words =
      text(error?.message) || (answer.status >= 500 ? "服务暂时不可用，请稍后再试" : "没有成功，请重试");
    throw new ApiError(answer.status, code, words, record(error?.detail) ?? {});
  }

  private async fetch(method: string, path: string, body?: object): Promise<Response> {
    try {
      return await fetch(this.url(path), {
        method,
        credentials: "same-origin",
        headers: {
          ...(body && { "Content-Type": "application/json" }),
          ...(method !== "GET" && this.headers),
        },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body && { body: JSON.stringify(body) }),
      });
    } catch {
      throw new ApiError(0, "unreachable", NO_ANSWER);
    }
  }
}
