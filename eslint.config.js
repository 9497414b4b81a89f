import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Outside `cli` and `dev`, time, randomness and the environment come in as arguments. */
const hiddenInputs = [
  { object: 'Date', property: 'now', message: 'take the build clock as an argument' },
  { object: 'Math', property: 'random', message: 'take a seeded generator as an argument' },
  { object: 'process', property: 'env', message: 'only cli reads the environment' },
];

export default tseslint.config(
  { ignores: ['node_modules', 'build', 'dist', 'out', 'coverage'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ['tools/**/*.ts'],
    ignores: ['tools/cli/**', 'tools/dev/**'],
    rules: { 'no-restricted-properties': ['error', ...hiddenInputs] },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: {
      parserOptions: { projectService: false, program: null, project: null },
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly' },
    },
  },
);
