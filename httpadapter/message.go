package httpadapter

import (
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

// appendMessage encodes a message as conversation.Message.MarshalJSON does, and
// copies its parts as they are stored: a page of messages is served without
// scanning any of them, let alone encoding it again.
func appendMessage(b []byte, m *conversation.Message) ([]byte, error) {
	b = append(b, `{"id":"`...)
	b = appendID(b, m.ID)
	b = append(b, `","conversation_id":"`...)
	b = appendID(b, m.ConversationID)
	b = append(b, `","sequence_no":`...)
	b = strconv.AppendInt(b, m.Seq, 10)
	b = append(b, `,"role":`...)
	b = strconv.AppendQuote(b, string(m.Role))
	b = append(b, `,"parts":`...)
	parts, err := m.Content.MarshalJSON()
	if err != nil {
		return nil, err
	}
	b = append(b, parts...)
	b = append(b, `,"run_id":`...)
	if m.RunID == uuid.Nil {
		b = append(b, "null"...)
	} else {
		b = append(b, '"')
		b = appendID(b, m.RunID)
		b = append(b, '"')
	}
	if m.Author != nil {
		author, err := json.Marshal(m.Author)
		if err != nil {
			return nil, err
		}
		b = append(b, `,"author":`...)
		b = append(b, author...)
	}
	if m.Incomplete {
		b = append(b, `,"incomplete":true`...)
	}
	b = append(b, `,"created_at":`...)
	b = timestamp(m.CreatedAt).append(b)
	return append(b, '}'), nil
}

// appendMessages encodes messages with commas between them.
func appendMessages(b []byte, messages []conversation.Message) ([]byte, error) {
	var err error
	for i := range messages {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendMessage(b, &messages[i]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func appendID(b []byte, id uuid.UUID) []byte {
	b = hex.AppendEncode(b, id[:4])
	for _, part := range [][]byte{id[4:6], id[6:8], id[8:10], id[10:]} {
		b = hex.AppendEncode(append(b, '-'), part)
	}
	return b
}
