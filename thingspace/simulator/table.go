package simulator

// table is a list that only grows, in pieces, so that growing it neither copies what is there nor moves it.
type table[T any] struct {
	pieces [][]T
	length int
}

const pieceSize = 4096

// add appends a zero record and gives its number, from 0.
func (t *table[T]) add() (number uint32, record *T) {
	if t.length == len(t.pieces)*pieceSize {
		t.pieces = append(t.pieces, make([]T, pieceSize))
	}
	number = uint32(t.length) //nolint:gosec // four thousand million records do not fit any memory this runs in
	t.length++
	return number, t.at(number)
}

// at is the record of a number that add gave.
func (t *table[T]) at(number uint32) *T { return &t.pieces[number/pieceSize][number%pieceSize] }
