// Passes all variables on under new names: each read as handlers read it, and given back as the class of its type.

import { Double, File, Integer, Json, Short, handler, variables } from 'fetchlock';

export const handle = handler(async () =>
  Object.fromEntries(variables.names().map((name) => [`echo_${name}`, passedOn(name)])),
);

function passedOn(name: string): unknown {
  const raw = variables.raw(name);
  const value = variables.get(name);
  if (value === null) {
    // The null of a type, which JavaScript has not.
    return raw;
  }
  switch (variables.typeName(name)) {
    case 'Short':
      return new Short(value as number);
    case 'Integer':
      return new Integer(value as number);
    case 'Double':
      return new Double(value as number);
    case 'Json':
      // Its text, to the letter: a number in it may have more digits than one of JavaScript.
      return Json.fromText(raw?.val);
    case 'File':
      return copied(value as File);
    default:
      return value;
  }
}

/** The same file, with its content loaded here. */
function copied(file: File): File {
  const { name, mimeType, encoding } = file;
  return new File(name, file.load(), { mimeType, encoding });
}
