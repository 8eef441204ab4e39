/** Styles of launcher and panel; px throughout, because the host page's root size is not ours. */
export const STYLES = `
:host { all: initial; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
.launcher {
  position: fixed; bottom: 24px; z-index: 2147483000;
  display: inline-flex; gap: 8px; align-items: center; height: 52px; padding: 0 20px 0 16px;
  color: #fff; font: 600 16px/1 "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", system-ui, sans-serif;
  background: #0b6b7a; border: 0; border-radius: 26px; box-shadow: 0 2px 4px rgb(21 48 58 / 16%), 0 8px 24px rgb(21 48 58 / 18%);
  cursor: pointer;
}
.launcher:hover { background: #085562; }
.launcher:focus-visible { outline: 3px solid #0b6b7a; outline-offset: 3px; }
.right { right: 24px; }
.left { left: 24px; }
svg { width: 24px; height: 24px; fill: none; stroke: currentcolor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.launcher[aria-expanded="true"] .closed, .launcher[aria-expanded="false"] .opened { display: none; }
.badge {
  position: absolute; top: -6px; right: -4px; min-width: 22px; height: 22px; padding: 0 6px;
  font-size: 13px; line-height: 22px; text-align: center; background: #b3261e; border-radius: 11px; box-shadow: 0 0 0 2px #fff;
}
.panel {
  position: fixed; bottom: 92px; z-index: 2147483000; width: 408px; height: min(720px, calc(100vh - 116px));
  overflow: hidden; background: #f3f6f7; border: 1px solid #c3d0d5; border-radius: 16px; box-shadow: 0 12px 48px rgb(21 48 58 / 22%);
}
iframe { display: block; width: 100%; height: 100%; border: 0; }
@media (max-width: 600px), (max-height: 480px) {
  .panel { inset: 0; width: 100%; height: 100vh; height: 100dvh; border: 0; border-radius: 0; }
  .launcher[aria-expanded="true"] { display: none; }
  .launcher { bottom: max(16px, env(safe-area-inset-bottom)); }
  .right { right: 16px; }
  .left { left: 16px; }
}
@media print { .launcher, .panel { display: none; } }
`;
