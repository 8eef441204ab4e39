import js from "@eslint/js";
import prettier from "eslint-config-prettier";
import vue from "eslint-plugin-vue";
import a11y from "eslint-plugin-vuejs-accessibility";
import globals from "globals";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist", "node_modules"] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...vue.configs["flat/recommended"],
  ...a11y.configs["flat/recommended"],
  {
    languageOptions: { globals: { ...globals.browser }, parserOptions: { parser: ts.parser } },
    rules: {
      // Nothing that a customer, a bot or an agent wrote is ever rendered as HTML.
      "vue/no-v-html": "error",
      "no-restricted-properties": ["error", { property: "innerHTML" }, { property: "outerHTML" }],
      // A label around its control needs no number beside it.
      "vuejs-accessibility/label-has-for": [
        "error",
        { required: { some: ["nesting", "id"] }, controlComponents: ["ElInput", "ElDatePicker"] },
      ],
      "vue/multi-word-component-names": "off",
      "vue/require-default-prop": "off",
      "max-lines": ["error", 400],
    },
  },
  prettier,
);
