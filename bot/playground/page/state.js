/** What the server has told the page. */

export const state = {
  me: null,
  users: [],
  bot: null,
  online: false,
  guild: null,
  channels: [],
  commands: [],
  messages: new Map(), // channel id -> Map of message id -> message, oldest first
  welcome: null,
  channel: null, // the channel on the screen
};

const TEXT_COMMAND = 1;
const DIRECT_MESSAGES = 1; // type of a channel
const CONTEXT = { guild: 0, botDirect: 1 };

export function welcomeHello(hello) {
  const messages = new Map(hello.channels.map(({ id }) => [id, new Map()]));
  for (const [id, list] of Object.entries(hello.messages)) messages.set(id, new Map(list.map((m) => [m.id, m])));
  const wanted = state.channel?.id;
  Object.assign(state, hello, { messages });
  state.channel = hello.channels.find(({ id }) => id === wanted) ?? hello.channels[0];
}

export const isDirect = (channel) => channel.type === DIRECT_MESSAGES;

export function findUser(id) {
  return [...state.users, state.bot].find((user) => user?.id === id);
}

export function findMessage(channelId, id) {
  return state.messages.get(channelId)?.get(id);
}

/** The commands of one type (1 slash, 2 user, 3 message) that Discord would offer to this person in this channel. */
export function commandsOfType(type) {
  const direct = isDirect(state.channel);
  return state.commands.filter((command) => {
    if ((command.type ?? TEXT_COMMAND) !== type) return false;
    if (command.contexts?.length && !command.contexts.includes(direct ? CONTEXT.botDirect : CONTEXT.guild)) return false;
    if (direct) return command.dm_permission !== false && !command.guild_id;
    const restricted = command.default_member_permissions;
    return restricted === null || restricted === undefined || isAdmin(state.me) || allows(restricted);
  });
}

export const isAdmin = (user) => Boolean(state.users.find(({ id }) => id === user.id)?.admin);

// What everybody in the local server may do: view, send, embed, attach, read history, react, use commands.
const EVERYBODY = 0x80000000n | 0x10000n | 0x8000n | 0x4000n | 0x800n | 0x400n | 0x40n;
const allows = (needed) => BigInt(needed) !== 0n && (BigInt(needed) & EVERYBODY) === BigInt(needed);

const SUBCOMMAND = 1;
const SUBCOMMAND_GROUP = 2;

/** Slash commands as people type them: one entry for each command or subcommand, with the path that leads there. */
export function slashCommands() {
  const leaves = [];
  const visit = (command, node, path) => {
    const inner = (node.options ?? []).filter(({ type }) => type === SUBCOMMAND || type === SUBCOMMAND_GROUP);
    if (inner.length) {
      inner.forEach((option) => visit(command, option, [...path, { name: option.name, type: option.type }]));
      return;
    }
    const name = [command.name, ...path.map((step) => step.name)].join(" ");
    leaves.push({ id: command.id, name, description: node.description, options: node.options ?? [], path });
  };
  commandsOfType(TEXT_COMMAND).forEach((command) => visit(command, command, []));
  return leaves.sort((a, b) => a.name.localeCompare(b.name));
}

/** Wrap the values of a subcommand in Discord's nested shape. */
export function nestOptions(path, values) {
  return path.reduceRight((options, step) => [{ ...step, options }], values);
}
