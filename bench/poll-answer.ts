// An answer of `/sync` to a poll, as Synapse writes it: one room with twenty messages, and no section that would be empty.

const event = (i: number): object => ({
  type: 'm.room.message',
  sender: '@alice:example.org',
  content: { msgtype: 'm.text', body: `a line of ordinary length, as people write them in a chat: ${i}` },
  origin_server_ts: 1_700_000_000_000 + i,
  unsigned: { age: 1000 + i },
  event_id: `$${String(i).padStart(43, 'x')}`,
});

export const aPollAnswer = Buffer.from(
  JSON.stringify({
    next_batch: 's72594_4483_1934_12_3_4_5_6_7_8',
    device_one_time_keys_count: { signed_curve25519: 50 },
    rooms: {
      join: {
        '!abc:example.org': {
          timeline: {
            events: Array.from({ length: 20 }, (_, i) => event(i)),
            prev_batch: 't1-72574_4483_1934',
            limited: false,
          },
          state: { events: [] },
          account_data: { events: [] },
          ephemeral: { events: [] },
          unread_notifications: { notification_count: 1, highlight_count: 0 },
        },
      },
    },
  }),
);
