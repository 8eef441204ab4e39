/** Links out of untrusted text: only http and https, only what is clearly an address. */

export interface Piece {
  text: string;
  /** Set when the piece is a link. */
  href?: string;
}

const ADDRESS = /https?:\/\/[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+/g;
// Closing marks at the end belong to the sentence, not to the address.
const TRAILING = /[.,;:!?')\]]+$/;

/** The address made absolute against this page when it is http(s), else null. */
export function safeUrl(value: string): string | null {
  if (value === "") return null;
  try {
    const base = typeof document === "undefined" ? "http://localhost/" : document.baseURI;
    const url = new URL(value, base);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** Cuts text into plain pieces and links, in order; the pieces joined are the text. */
export function linkify(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(TRAILING, "");
    const href = safeUrl(address);
    if (!href) continue;
    if (match.index > end) pieces.push({ text: text.slice(end, match.index) });
    pieces.push({ text: address, href });
    end = match.index + address.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}
