/**
 * The embed script of the web chat: a launcher button and a panel with the chat page in a frame.
 *
 * `<script src="https://chat.example/chat.js" data-label="在线客服" data-position="left" defer></script>`
 * Everything lives in a shadow root with a constructed style sheet, so it neither touches the page's styles nor needs
 * inline styles to be allowed there. `window.ChebaoChat.open()`, `.close()` and `.toggle()` serve the page's own buttons.
 */

import { STYLES } from "./styles";

interface Message {
  source?: unknown;
  type?: unknown;
  count?: unknown;
}

interface Widget {
  open: () => void;
  close: () => void;
  toggle: () => void;
}

declare global {
  interface Window {
    ChebaoChat?: Widget;
  }
}

const USED_KEY = "chebao-chat-used";
const SVG = "http://www.w3.org/2000/svg";
const BUBBLE = "M4.500 5.500h15v10.500h-8l-4 3.500v-3.500h-3zM8.500 10h7M8.500 13h4.500";
const CROSS = "M6 9.500l6 6 6-6";

function icon(path: string, name: string): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", name);
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

function remember(): void {
  try {
    localStorage.setItem(USED_KEY, "1");
  } catch {
    // Storage is forbidden: the badge then waits for the first opening.
  }
}

function usedBefore(): boolean {
  try {
    return localStorage.getItem(USED_KEY) === "1";
  } catch {
    return false;
  }
}

function styled(root: ShadowRoot): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLES);
  root.adoptedStyleSheets = [sheet];
}

function build(script: HTMLScriptElement): Widget {
  const address = new URL("chat", script.src);
  const label = script.dataset.label ?? "在线客服";
  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  styled(root);

  const launcher = document.createElement("button");
  launcher.type = "button";
  launcher.className = `launcher ${script.dataset.position === "left" ? "left" : "right"}`;
  launcher.setAttribute("aria-haspopup", "dialog");
  const words = document.createElement("span");
  words.textContent = label;
  const badge = document.createElement("span");
  badge.className = "badge";
  badge.hidden = true;
  launcher.append(icon(BUBBLE, "closed"), icon(CROSS, "opened"), words, badge);

  const panel = document.createElement("div");
  panel.className = `panel ${script.dataset.position === "left" ? "left" : "right"}`;
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-label", label);
  panel.hidden = true;
  root.append(panel, launcher);

  let frame: HTMLIFrameElement | null = null;
  let open = false;
  let unread = 0;

  function describe(): void {
    const more = unread > 0 ? `，${unread} 条未读消息` : "";
    launcher.setAttribute("aria-label", open ? `收起${label}` : `打开${label}${more}`);
    launcher.setAttribute("aria-expanded", String(open));
    badge.hidden = unread === 0 || open;
    badge.textContent = unread > 99 ? "99+" : String(unread);
  }

  function tell(): void {
    const type = open ? "shown" : "hidden";
    frame?.contentWindow?.postMessage({ source: "chebao-host", type }, address.origin);
  }

  function load(): void {
    if (frame) return;
    frame = document.createElement("iframe");
    frame.title = label;
    frame.src = address.href;
    frame.allow = "geolocation; camera; clipboard-write";
    panel.append(frame);
  }

  function show(wanted: boolean): void {
    if (open === wanted) return;
    open = wanted;
    if (open) {
      load();
      remember();
    }
    panel.hidden = !open;
    describe();
    tell();
    if (open) frame?.focus();
    else launcher.focus();
  }

  window.addEventListener("message", (event: MessageEvent<Message | null>) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== address.origin) return;
    if (event.data?.source !== "chebao") return;
    if (event.data.type === "ready") tell();
    if (event.data.type === "close") show(false);
    if (event.data.type === "unread" && typeof event.data.count === "number") {
      unread = event.data.count;
      describe();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) show(false);
  });
  launcher.addEventListener("click", () => show(!open));

  describe();
  document.body.append(host);
  // A returning customer may have answers waiting.
  if (usedBefore()) load();
  if (script.dataset.open === "true") show(true);
  return { open: () => show(true), close: () => show(false), toggle: () => show(!open) };
}

const script = document.currentScript;
if (script instanceof HTMLScriptElement && !window.ChebaoChat) {
  const start = (): void => {
    window.ChebaoChat = build(script);
  };
  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start, { once: true });
}
