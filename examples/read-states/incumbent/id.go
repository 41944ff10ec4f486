package main

import (
	"encoding/json"
	"errors"
	"strconv"
)

// ID is a snowflake: a positive 64-bit number that JSON carries as a string, because JavaScript
// rounds numbers above 2^53.
type ID uint64

var errID = errors.New("not an id")

// ParseID reads an id in decimal digits without leading zeros.
func ParseID(text string) (ID, error) {
	if text == "" || text[0] < '1' || text[0] > '9' {
		return 0, errID
	}
	number, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, errID
	}
	return ID(number), nil
}

func (id ID) MarshalJSON() ([]byte, error) {
	buffer := make([]byte, 0, 22)
	buffer = append(buffer, '"')
	buffer = strconv.AppendUint(buffer, uint64(id), 10)
	return append(buffer, '"'), nil
}

func (id *ID) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	parsed, err := ParseID(text)
	*id = parsed
	return err
}
