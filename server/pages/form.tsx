import type { Child, FC, PropsWithChildren } from 'hono/jsx';

/** Name of the hidden field that carries the form token (server/accounts/form-token.ts). */
export const tokenField = 'form_token';

/** The hidden field itself, for a form that is not made with `Form`. */
export const hiddenToken = (token: string) => <input type="hidden" name={tokenField} value={token} />;

/** Tells a password manager whose password the form asks for, where the page does not ask for the name. */
export const KnownUser: FC<{ email: string }> = ({ email }) => (
  <input
    class="unseen"
    type="text"
    name="username"
    value={email}
    autocomplete="username"
    readonly
    tabindex={-1}
    aria-label="Account"
  />
);

interface FormProps {
  readonly action: string;
  /** From `formToken`: every form that changes something carries one. */
  readonly token: string;
  /** Values sent along unseen. */
  readonly hidden?: Readonly<Record<string, string>> | undefined;
  /** A button beside text, or in a row of a table. */
  readonly inline?: boolean | undefined;
  /** Takes files. */
  readonly files?: boolean | undefined;
}

/** A form that is sent by POST and cannot be forged. */
export const Form: FC<PropsWithChildren<FormProps>> = ({
  action,
  token,
  hidden = {},
  inline,
  files,
  children,
}) => (
  <form
    method="post"
    action={action}
    class={inline ? 'form inline' : 'form'}
    enctype={files ? 'multipart/form-data' : undefined}
  >
    {hiddenToken(token)}
    {Object.entries(hidden).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
    {children}
  </form>
);

interface FieldProps {
  readonly label: string;
  readonly name: string;
  /** Needed where a page has two fields of one name. */
  readonly id?: string | undefined;
  readonly type?: 'text' | 'email' | 'password' | 'number' | 'url' | 'search' | 'file' | undefined;
  readonly value?: string | undefined;
  /** How to fill it in, below the label. */
  readonly hint?: Child;
  /** What is wrong with the value that was sent. */
  readonly error?: string | undefined;
  readonly required?: boolean | undefined;
  readonly autocomplete?: string | undefined;
  /** The first field to fill in; at most one per page. */
  readonly autofocus?: boolean | undefined;
  readonly minlength?: number | undefined;
  readonly maxlength?: number | undefined;
  readonly placeholder?: string | undefined;
  /** More than one line of text: how many lines to show. */
  readonly lines?: number | undefined;
  /** Ids in `monospace` letters need no spelling. */
  readonly spellcheck?: boolean | undefined;
}

/** One labelled input, with its hint and its error tied to it for screen readers. */
export const Field: FC<FieldProps> = ({ label, hint, error, lines, value, ...rest }) => {
  const id = rest.id ?? `field-${rest.name}`;
  const describedBy = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined;
  const common = {
    ...rest,
    id,
    'aria-describedby': describedBy,
    'aria-invalid': error ? ('true' as const) : undefined,
    spellcheck: rest.spellcheck ?? false,
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint && (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {lines === undefined ? (
        <input {...common} type={rest.type ?? 'text'} value={value} />
      ) : (
        <textarea {...common} rows={lines}>
          {value}
        </textarea>
      )}
      {error && (
        <span class="wrong" id={`${id}-error`}>
          {error}
        </span>
      )}
    </div>
  );
};

interface SelectProps {
  readonly label: string;
  readonly name: string;
  /** Needed where a page has two fields of one name. */
  readonly id?: string | undefined;
  readonly value?: string | undefined;
  readonly hint?: Child;
  readonly options: readonly { readonly value: string; readonly label: string }[];
}

/** One of a few, labelled. */
export const Select: FC<SelectProps> = ({ label, name, id = `field-${name}`, value, hint, options }) => (
  <div class="field">
    <label for={id}>{label}</label>
    {hint && (
      <span class="hint" id={`${id}-hint`}>
        {hint}
      </span>
    )}
    <select id={id} name={name} aria-describedby={hint ? `${id}-hint` : undefined}>
      {options.map((option) => (
        <option value={option.value} selected={option.value === value}>
          {option.label}
        </option>
      ))}
    </select>
  </div>
);

/** Yes or no, with its words beside it. */
export const Check: FC<
  PropsWithChildren<{ name: string; checked?: boolean | undefined; required?: boolean | undefined }>
> = ({ name, checked, required, children }) => (
  <label class="check">
    <input type="checkbox" name={name} value="yes" checked={checked} required={required} />
    <span>{children}</span>
  </label>
);

interface ButtonProps {
  /** `danger` for what cannot be undone; `quiet` for all but the main action of a page. */
  readonly kind?: 'main' | 'quiet' | 'danger' | undefined;
  /** With it the button is a link that looks like one. */
  readonly href?: string | undefined;
  /** Smaller, for rows of tables. */
  readonly compact?: boolean | undefined;
  /** As wide as its form. */
  readonly full?: boolean | undefined;
  readonly name?: string | undefined;
  readonly value?: string | undefined;
  /** Says more than the visible word to a screen reader: "End sign-in of Firefox". */
  readonly label?: string | undefined;
}

/** Sends its form, or leads somewhere. */
export const Button: FC<PropsWithChildren<ButtonProps>> = ({
  kind = 'main',
  href,
  compact,
  full,
  name,
  value,
  label,
  children,
}) => {
  const look = ['button', kind !== 'main' && kind, compact && 'compact', full && 'full']
    .filter(Boolean)
    .join(' ');
  if (href !== undefined) {
    return (
      <a class={look} href={href} aria-label={label}>
        {children}
      </a>
    );
  }
  return (
    <button class={look} type="submit" name={name} value={value} aria-label={label}>
      {children}
    </button>
  );
};
