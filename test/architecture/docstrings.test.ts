import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const tools = fileURLToPath(new URL('../../tools/', import.meta.url));

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2023, true);
}

/** First line of the docstring of each exported declaration of a file; empty where there is none. */
function docstringsOf(file: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const statement of parse(file).statements) {
    const text = ts
      .getJSDocCommentsAndTags(statement)
      .filter((node) => ts.isJSDoc(node))
      .map((node) => ts.getTextOfJSDocComment(node.comment) ?? '')
      .at(-1);
    const names = ts.isVariableStatement(statement)
      ? statement.declarationList.declarations.map((declaration) => declaration.name.getText())
      : 'name' in statement
        ? [(statement as ts.DeclarationStatement).name?.getText() ?? '']
        : [];
    for (const name of names) found.set(name, found.get(name) ?? text?.split('\n')[0]?.trim() ?? '');
  }
  return found;
}

const indexes = readdirSync(tools, { recursive: true, encoding: 'utf8' })
  .filter((file) => /^[a-z0-9]+\/index\.ts$/.test(file))
  .sort();

test.each(indexes)('every export of %s has a docstring', (index) => {
  const faults: string[] = [];
  for (const statement of parse(join(tools, index)).statements) {
    if (!ts.isExportDeclaration(statement)) {
      faults.push(`${index}: something other than a re-export`);
      continue;
    }
    const { exportClause, moduleSpecifier } = statement;
    if (!exportClause || !ts.isNamedExports(exportClause) || !moduleSpecifier) {
      faults.push(`${index}: re-export without names`);
      continue;
    }
    const specifier = moduleSpecifier.getText().slice(1, -1).replace(/\.js$/, '.ts');
    const file = join(tools, dirname(index), specifier);
    const docstrings = docstringsOf(file);
    for (const { propertyName, name } of exportClause.elements) {
      const docstring = docstrings.get((propertyName ?? name).text);
      const place = `${relative(tools, file)}: ${name.text}`;
      if (docstring === undefined) faults.push(`${place} is not declared there`);
      else if (docstring === '') faults.push(`${place} has no docstring`);
      else if (docstring.length > 130) faults.push(`${place}: first line of the docstring is too long`);
    }
  }
  expect(faults).toEqual([]);
});
