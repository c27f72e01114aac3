import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ReveilleError } from '../../../protocol/errors.ts';
import { numberText, readJsonObject } from './lenient-json.ts';

const fieldsOf = (text: string) => readJsonObject(text).fields;

describe('lenient JSON', () => {
  test("IN2 the guide's own sample in single quotes is read", () => {
    expect(fieldsOf("{ 'channelId': '1/a', 'subchannelId': '0', 'payload': 'Hello push' }")).toEqual({
      channelId: '1/a',
      subchannelId: '0',
      payload: 'Hello push',
    });
  });

  const samples: readonly [string, string, Record<string, unknown>][] = [
    ['both kinds of quotes', `{'a': "it's", "b": 'say "hi"'}`, { a: "it's", b: 'say "hi"' }],
    ['an escaped single quote', String.raw`{'a': 'it\'s'}`, { a: "it's" }],
    ['an escaped double quote', String.raw`{'a': 'say \"hi\"'}`, { a: 'say "hi"' }],
    ['escapes of JSON', String.raw`{'a': 'line\nend\u20ac\\'}`, { a: 'line\nend\u20ac\\' }],
    [
      'numbers, words and nesting',
      `{'a': 1.5, 'b': [true, null, {'c': ''}]}`,
      { a: 1.5, b: [true, null, { c: '' }] },
    ],
    ['braces and commas within quotes', `{'a': '},{', 'b': ':'}`, { a: '},{', b: ':' }],
    ['an empty object', '{}', {}],
  ];
  for (const [what, text, fields] of samples) {
    test(`IN2 ${what}`, () => expect(fieldsOf(text)).toEqual(fields));
  }

  test('IN2 what is JSON is read as JSON, single quotes and all', () => {
    expect(fieldsOf(`{"a": "'x'", "b": "\\\\'"}`)).toEqual({ a: "'x'", b: "\\'" });
  });

  test('IN2 any object in single quotes reads as the same object in double quotes', () => {
    const fields = fc.dictionary(fc.string(), fc.string());
    fc.assert(
      fc.property(fields, (object) => {
        // Single quotes around a text that is escaped for JSON, except for the quotes.
        const quoted = (text: string) =>
          `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
        const members = Object.entries(object).map(([name, value]) => `${quoted(name)}:${quoted(value)}`);
        if (members.length > 0) expect(fieldsOf(`{${members.join(',')}}`)).toEqual({ ...object });
      }),
      { seed: 2_013, numRuns: 500 },
    );
  });

  const wrong = {
    nothing: '',
    'white space': ' \n ',
    'a form': 'channelId=1&payload=2',
    'a list': '[1]',
    'a list in single quotes': "['a']",
    'a text': '"a"',
    null: 'null',
    'an open quote': "{'a': 'b}",
    'an open brace': "{'a': 'b'",
    'a bare word': '{a: 1}',
    'a comma too many': '{"a":1,}',
    'a backslash at the end': "{'a': '\\",
    'a script': "{'a': 'b'}; alert('x')",
  };
  for (const [what, text] of Object.entries(wrong)) {
    test(`IN2 ${what} is refused`, () => expect(() => readJsonObject(text)).toThrow(ReveilleError));
  }

  test('IN2 random text is read or refused, and nothing else happens', () => {
    const soup = fc.array(fc.constantFrom(...`{}[]'",:\\ a1.-eu`), { maxLength: 40 });
    fc.assert(
      fc.property(soup, (characters) => {
        try {
          readJsonObject(characters.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(ReveilleError);
        }
      }),
      { seed: 52, numRuns: 2_000 },
    );
  });

  test('IN2 a field of the name __proto__ changes nothing', () => {
    const { fields } = readJsonObject(`{'__proto__': {'payload': 'x'}}`);
    expect(fields.payload).toBeUndefined();
    expect(({} as Record<string, unknown>).payload).toBeUndefined();
  });
});

describe('numbers', () => {
  for (const number of ['0', '-0', '1.50', '1e2', '1E+2', '12345678901234567890', '0.1000']) {
    test(`IN3 ${number} keeps its text`, () => {
      expect(numberText(`{"payload": ${number} ,"z":1}`, 'payload')).toBe(number);
    });
  }

  test('IN3 a number of the same name further inside is another one', () => {
    expect(numberText('{"a":{"payload":1},"payload":2.0,"b":{"c":[3]}}', 'payload')).toBe('2.0');
    expect(numberText('{"payload":2.0,"b":{"payload":3}}', 'payload')).toBe('2.0');
  });

  test('IN3 of two fields of the same name the last one counts', () => {
    expect(numberText('{"payload":1.0,"payload":2.0}', 'payload')).toBe('2.0');
  });
});
