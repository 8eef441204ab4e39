/** Canned replies with their variables filled in, for the preview. */

const EXAMPLES: Record<string, string> = { 客户: "王先生", 客服: "林晓", 公司: "车保财险", 热线: "95000" };
const VARIABLE = /\{([^{}]*)\}/g;

export interface Piece {
  text: string;
  kind: "text" | "variable" | "unknown";
}

/** The text in pieces, each variable with its example, so that an unknown one can be marked. */
export function pieces(text: string, known: readonly string[]): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(VARIABLE)) {
    if (match.index > from) found.push({ text: text.slice(from, match.index), kind: "text" });
    const name = match[1] ?? "";
    const fine = known.includes(name);
    found.push(
      fine ? { text: EXAMPLES[name] ?? name, kind: "variable" } : { text: match[0], kind: "unknown" },
    );
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push({ text: text.slice(from), kind: "text" });
  return found;
}
