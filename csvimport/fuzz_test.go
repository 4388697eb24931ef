package csvimport

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzRead holds that whatever bytes come, every row ends in one place and can be told from the others.
func FuzzRead(f *testing.F) {
	f.Add([]byte(standard+line(1)+line(1)+line(2)), false)
	f.Add([]byte("\uFEFF"+strings.ReplaceAll(standard+line(1), ",", ";")), true)
	f.Add([]byte(utf16le("\uFEFF"+standard+line(1))), false)
	f.Add([]byte(standard+"\"a\"b,c\n\"open\n"+line(1)+"x\x00,y\r\n\r\r\n=\"1\",\"\"\"\",,\n"), false)
	f.Add([]byte("sep=|\neid|iccid\n\""+eid(1)+"\"|\"\n\"\n8.9E+19|5\"\n"), true)
	f.Add([]byte(standard+strings.Replace(line(1), ",", ",\"\"\"\n\n", 1)+strings.Repeat("\"\n", 9)), false)
	f.Add([]byte(extended+strings.Replace(line(1), "\n", ","+iccid(9)+"\n", 1)+strings.Replace(line(1), "\n", ",\n", 1)), true)
	f.Add([]byte("eid,iccid,Old SIM\n"+eid(1)+","+iccid(1)+",'"+iccid(1)+"\n"+eid(2)+","+iccid(2)+",8.9E+19\n"), false)
	f.Fuzz(func(t *testing.T, text []byte, strict bool) {
		options := Options{Account: "ACC", Strict: strict, ChunkSize: 3, TempDir: t.TempDir()}
		fleet, err := Read(t.Context(), bytes.NewReader(text), "", options)
		if err != nil {
			if strings.Contains(err.Error(), errMisframed.Error()) {
				t.Error(err)
			}
			return
		}
		defer func() { _ = fleet.Close() }()
		seekable := drain(t, fleet)
		copied := readFrom(t, bytes.NewBuffer(text), options)
		if seekable.SHA256 != copied.SHA256 || len(seekable.rejects) != len(copied.rejects) {
			t.Errorf("%+v by seeking, %+v by a copy", seekable.Summary, copied.Summary)
		}
	})
}
