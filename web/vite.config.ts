import { fileURLToPath } from "node:url";

import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

const page = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const backend = process.env.CHEBAO_TEST_URL ?? "http://127.0.0.1:8000";

/** The pages. Addresses are relative, so that the app may be served under any prefix. */
export default defineConfig({
  base: "./",
  plugins: [vue()],
  build: {
    target: "es2020",
    // Data addresses for small files would need `data:` in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: { index: page("index.html"), chat: page("chat.html"), desk: page("desk.html") } },
  },
  server: { proxy: { "/api": { target: backend, ws: true } } },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
