// A form made from a tool's input schema. What it cannot offer as a field is written as JSON; the server has the last word anyway.

import { button, freshId, h, replaceContent } from "../../dom.js";
import { said } from "../../said.js";
import { needed } from "./parts.js";

const MOST_FIELDS = 60;
const MOST_CHOICES = 500;

/** `{element, swap, read()}`; `swap`: a button between fields and JSON, or null; `read()` gives the arguments, or null after it has shown what is wrong. */
export function schemaForm(schema) {
  const place = h("div", { class: "schema-form" });
  const swap = button("", { class: "button button-quiet", on: { click: () => (asJson ? showFields() : showJson()) } });
  const fields = fieldsOf(schema);
  const whole = jsonField({ name: "arguments", schema: { type: "object", description: "All arguments, as one JSON object." }, required: true, root: schema });
  let asJson = fields === null;

  function showFields() {
    asJson = false;
    swap.textContent = "Write them as JSON";
    replaceContent(place, fields.length === 0 ? h("p", { class: "panel-lead" }, "It takes no arguments.") : fields.map(({ element }) => element));
  }

  function showJson() {
    if (!asJson) whole.write(fields.reduce((given, field) => put(given, field, field.read(false)), {}));
    asJson = true;
    swap.textContent = "Fill in fields";
    replaceContent(place, whole.element);
  }

  function read() {
    if (asJson) {
      const found = whole.read(true);
      return found.fault ? refuse([whole]) : isObject(found.value) ? found.value : whole.refuse("This has to be a JSON object.");
    }
    const found = fields.map((field) => [field, field.read(true)]);
    const wrong = found.filter(([, { fault }]) => fault).map(([field]) => field);
    return wrong.length > 0 ? refuse(wrong) : found.reduce((given, [field, value]) => put(given, field, value), {});
  }

  if (asJson) {
    whole.write({});
    showJson();
  } else showFields();
  return { element: place, swap: fields !== null && fields.length > 0 ? swap : null, read };
}

function refuse([first]) {
  first.focus();
  return null;
}

/** Defined, not assigned: a server may name an argument `__proto__`. */
function put(given, { name }, { value, fault }) {
  if (value !== undefined && !fault) Object.defineProperty(given, name, { value, enumerable: true, configurable: true, writable: true });
  return given;
}

/** Null where no fields can be made of the schema. */
function fieldsOf(schema) {
  const properties = isObject(schema?.properties) ? Object.entries(schema.properties) : [];
  const open = ["oneOf", "anyOf", "allOf", "if", "$ref"].some((word) => schema?.[word] !== undefined);
  const nothingSaid = properties.length === 0 && (open || schema?.patternProperties !== undefined || isObject(schema?.additionalProperties));
  if (nothingSaid || properties.length > MOST_FIELDS) return null;
  const required = new Set(Array.isArray(schema?.required) ? schema.required : []);
  return properties.map(([name, raw]) => fieldFor({ name, schema: plain(raw, schema), required: required.has(name), root: schema }));
}

function fieldFor(asked) {
  const { schema } = asked;
  if (Array.isArray(schema.enum) && schema.enum.length <= MOST_CHOICES) return choiceOf(asked, schema.enum);
  if (schema.const !== undefined) return choiceOf(asked, [schema.const]);
  if (schema.type === "boolean") return choiceOf(asked, [true, false]);
  if (schema.type === "integer" || schema.type === "number") return numberField(asked);
  if (schema.type === "string") return stringField(asked);
  return jsonField(asked);
}

/** The schema without what stands around it: a local reference, a type that may also be null. */
function plain(raw, root, depth = 0) {
  if (!isObject(raw)) return {};
  if (depth < 5 && typeof raw.$ref === "string" && raw.$ref.startsWith("#/")) {
    const target = raw.$ref.slice(2).split("/").reduce((at, key) => (isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined), root);
    return { ...plain(target, root, depth + 1), ...described(raw) };
  }
  const ways = raw.anyOf ?? raw.oneOf;
  if (depth < 5 && Array.isArray(ways)) {
    const real = ways.filter((one) => one?.type !== "null");
    if (real.length === 1) return { ...plain(real[0], root, depth + 1), ...described(raw) };
  }
  if (Array.isArray(raw.type)) {
    const real = raw.type.filter((one) => one !== "null");
    return { ...raw, type: real.length === 1 ? real[0] : undefined };
  }
  return raw;
}

const described = ({ title, description, default: usual }) =>
  Object.fromEntries(Object.entries({ title, description, default: usual }).filter(([, value]) => value !== undefined));

function choiceOf(asked, values) {
  const options = values.map((value, index) => h("option", { value: String(index) }, typeof value === "string" ? value : JSON.stringify(value)));
  const input = h("select", { class: "select" }, h("option", { value: "" }, unset(asked)), options);
  return framed(asked, input, (text) => ({ value: values[Number(text)] }));
}

const unset = ({ schema, required }) => (required ? "choose" : schema.default === undefined ? "left out" : `left out (${short(schema.default)})`);

function numberField(asked) {
  const { type, minimum, maximum } = asked.schema;
  const input = h("input", { type: "text", inputmode: type === "integer" ? "numeric" : "decimal", class: "text-field", placeholder: hintOf(asked.schema) });
  return framed(asked, input, (text) => {
    const value = Number(text);
    if (!Number.isFinite(value) || (type === "integer" && !Number.isInteger(value))) return { fault: type === "integer" ? "This has to be a whole number." : "This has to be a number." };
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) return { fault: "This number is too large for a page to write exactly." };
    if (typeof minimum === "number" && value < minimum) return { fault: `At least ${minimum}.` };
    if (typeof maximum === "number" && value > maximum) return { fault: `At most ${maximum}.` };
    return { value };
  });
}

function stringField(asked) {
  const input = h("textarea", { rows: "1", class: "text-field text-area", placeholder: hintOf(asked.schema), spellcheck: "false" });
  return framed(asked, input, (text) => ({ value: text }));
}

function jsonField(asked) {
  const kind = asked.schema.type;
  const hint = kind === "array" ? "[ ]" : kind === "object" ? "{ }" : "JSON";
  const input = h("textarea", { rows: "2", class: "text-field text-area is-code", placeholder: hintOf(asked.schema) || hint, spellcheck: "false" });
  const field = framed(asked, input, (text) => {
    try {
      return { value: JSON.parse(text) };
    } catch (error) {
      return { fault: `This is not JSON: ${error.message}` };
    }
  });
  return { ...field, write: (value) => (input.value = JSON.stringify(value, null, 2)) };
}

/** The label, the words of the server, the fault; and `read(strict)`: `{value}`, undefined when left out, or `{fault}`. */
function framed(asked, input, parse) {
  const { name, schema, required } = asked;
  const [label, about, wrong] = [freshId("argument"), freshId("argument"), freshId("argument")];
  const fault = h("p", { class: "field-fault", id: wrong, hidden: true });
  input.id = label;
  input.setAttribute("aria-describedby", `${about} ${wrong}`);
  if (required) input.setAttribute("aria-required", "true");
  const element = h(
    "div",
    { class: "schema-field" },
    h("label", { for: label }, h("code", {}, said(name)), required && needed(), h("span", { class: "field-type" }, said(typeOf(schema)))),
    input,
    fault,
    h("p", { class: "field-about", id: about }, said(schema.description ?? "")),
  );
  const show = (words) => {
    fault.hidden = !words;
    fault.textContent = words ?? "";
    input.setAttribute("aria-invalid", String(Boolean(words)));
    return null;
  };
  return {
    name,
    element,
    focus: () => input.focus(),
    refuse(words) {
      show(words);
      input.focus();
      return null;
    },
    read(strict) {
      const text = input.tagName === "TEXTAREA" ? input.value : input.value.trim();
      const found = text === "" ? { fault: required ? "It needs this." : undefined } : parse(text);
      if (strict) show(found.fault);
      return found;
    },
  };
}

function typeOf(schema) {
  if (schema.enum || schema.const !== undefined) return "one of these";
  if (schema.type === "array") return schema.items?.type ? `list of ${schema.items.type}` : "list";
  return typeof schema.type === "string" ? schema.type : "any";
}

const hintOf = ({ default: usual, examples }) =>
  usual !== undefined && usual !== null ? `${short(usual)} if left out` : Array.isArray(examples) && examples.length > 0 ? `such as ${short(examples[0])}` : "";

const short = (value) => (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 60);

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
