/** The server's addresses and the one plain request that opens a session. */

import type { Opened } from "./client";
import { SessionRefused } from "./connection";
import { record, str } from "./guards";

/** An address beside the page, so that any prefix works. */
export function endpoint(path: string, scheme: "http" | "ws" = "http"): string {
  const url = new URL(path, document.baseURI);
  if (scheme === "ws") url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

export async function openSession(token: string | null): Promise<Opened> {
  const answer = await fetch(endpoint("api/web/sessions"), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
  if (answer.status === 401 || answer.status === 403) throw new SessionRefused();
  if (!answer.ok) throw new Error(`session: ${answer.status}`);
  const body = record(await answer.json());
  const fresh = str(body?.token);
  const conversation = str(body?.conversation);
  if (!fresh || !conversation) throw new Error("session: unexpected answer");
  return { token: fresh, conversation };
}
