import { fileURLToPath } from "node:url";

import { defineConfig } from "vite";

/** The embed script: one classic script with a fixed name, no dependencies. */
export default defineConfig({
  publicDir: false,
  build: {
    target: "es2020",
    emptyOutDir: false,
    lib: {
      entry: fileURLToPath(new URL("src/embed/chat.ts", import.meta.url)),
      formats: ["iife"],
      name: "ChebaoChat",
      fileName: () => "chat.js",
    },
  },
});
