"""Reports of the programme as files: Word, Excel, a web page, PDF; all from one snapshot."""
