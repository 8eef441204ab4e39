/** Makes a text field as high as its text, up to a third of the window. */
export function fit(area: HTMLTextAreaElement | null): void {
  if (!area) return;
  const border = area.offsetHeight - area.clientHeight;
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight + border, window.innerHeight / 3)}px`;
}
